// Drafts and judges outputs for tests, as the runner does.
import { echoKind } from '../../../src/agents/outputs/echo/echo.ts';
import { envelopeChecks } from '../../../src/agents/outputs/envelope-checks.ts';
import type { FileContext, OutputFacts, OutputKind } from '../../../src/agents/outputs/kind.ts';
import { pixelKind } from '../../../src/agents/outputs/pixel/pixel.ts';
import { reelKind } from '../../../src/agents/outputs/reel/reel.ts';
import { socialKind } from '../../../src/agents/outputs/social/social.ts';
import type { AnyOutput, Check } from '../../../src/core/output.ts';
import type { DeliverableFile } from '../../../src/core/run.ts';
import { factsOf, fullBrief } from './hostile-facts.ts';
import { stageOne } from './hostile-handoffs.ts';

/** Drafts, reads the draft back through its own schema, and judges it. */
export function judgedDraft<Output extends AnyOutput>(
  kind: OutputKind<Output>,
  facts: OutputFacts,
): { output: Output; failed: Check[] } {
  const output = kind.schema.parse(JSON.parse(JSON.stringify(kind.draft(facts))));

  return { output, failed: failedChecks(kind, output, facts) };
}

/** The checks of level error that an output fails. */
export function failedChecks<Output extends AnyOutput>(
  kind: OutputKind<Output>,
  output: Output,
  facts: OutputFacts,
): Check[] {
  const checks = [...envelopeChecks(output, facts), ...kind.check(output, facts)];

  return checks.filter((check) => !check.ok && check.level === 'error');
}

/** Ids of the checks that fail, warnings included. */
export function failedIds<Output extends AnyOutput>(
  kind: OutputKind<Output>,
  output: Output,
  facts: OutputFacts,
): string[] {
  const failed = kind.check(output, facts).filter((check) => !check.ok);

  return [...new Set(failed.map((check) => check.id))];
}

/** The facts of a run at the end of all waves, its upstream drafted from the same brief. */
export function wavesFacts(brief: unknown = fullBrief): OutputFacts {
  const first = factsOf(brief, { handoff: stageOne });
  const second = factsOf(brief, { handoff: { ...stageOne, echo: echoKind.draft(first) } });
  const third = { pixel: pixelKind.draft(second), reel: reelKind.draft(second) };

  return factsOf(brief, { handoff: { ...second.handoff, ...third } });
}

export function filesOf<Output extends AnyOutput>(
  kind: OutputKind<Output>,
  facts: OutputFacts,
  about: Partial<FileContext> = {},
): DeliverableFile[] {
  const output = kind.draft(facts);
  const checks = [...envelopeChecks(output, facts), ...kind.check(output, facts)];

  return kind.files(output, {
    brief: facts.brief,
    checks,
    byRules: true,
    model: null,
    submittedAt: facts.submittedAt,
    ...about,
  });
}

export function textOf(files: DeliverableFile[], name: string): string {
  const file = files.find((item) => item.name === name);
  return typeof file?.content === 'string' ? file.content : '';
}

export { echoKind, pixelKind, reelKind, socialKind };
