// The model by rules, alone and within the loop.
import { expect, test } from 'vitest';

import { runAgent } from '../../../src/agents/loop.ts';
import { createModel } from '../../../src/agents/models.ts';
import type { WantedCall } from '../../../src/agents/outputs/kind.ts';
import { definition, measureTool, optionsFor, recorder, run, tinyKind } from '../fixtures.ts';

const nowhere = 'http://127.0.0.1:1/v1';
const model = await createModel(null, { echo: tinyKind });

test('measures first, then drafts from what was found, and costs nothing', async () => {
  const kept = recorder();
  const calls: unknown[] = [];

  const outcome = await runAgent(
    optionsFor(nowhere, { model, tools: [measureTool(calls)], record: kept.record }),
  );

  expect(calls).toEqual([{ url: 'https://example.com' }]);
  expect(kept.steps.map((step) => step.progress)).toMatchObject([
    { label: 'step 1: measure https://example.com', aiMessage: expect.stringContaining('measure') },
    { label: 'step 2: writing the output', aiMessage: expect.stringContaining('headline') },
  ]);
  expect(outcome).toMatchObject({
    type: 'complete',
    output: { data: { score: 1 } },
    usage: { calls: 0, tokensIn: 0, costUsd: 0, model: 'offline-rules' },
    deliverables: [{ content: 'by rules: By rules' }],
  });
});

test('asks for one kind of measurement in a turn and says how far it is', async () => {
  const kept = recorder();
  const other = { ...measureTool(), spec: { ...measureTool().spec, name: 'explode' } };
  const wanted: WantedCall[] = [
    { tool: 'measure', input: { url: 'a' } },
    { tool: 'explode', input: { url: 'b' } },
    { tool: 'measure', input: { url: 'c' } },
    { tool: 'not_there', input: {} },
  ];
  const rules = await createModel(null, { echo: { ...tinyKind, wants: () => wanted } });

  await runAgent(
    optionsFor(nowhere, { model: rules, tools: [measureTool(), other], record: kept.record }),
  );

  expect(kept.steps.map((step) => step.progress.aiMessage?.slice(0, 70))).toEqual([
    'Before the draft I measure what the brief names. Next: measure a, meas',
    '2 of 2 measurements are in. Next: explode b.',
    expect.stringContaining('headline'),
  ]);
});

test('drafts at last, whatever its rules keep wanting', async () => {
  const wants: typeof tinyKind.wants = (facts) => [
    { tool: 'measure', input: { url: `page ${facts.findings.length}` } },
  ];
  const rules = await createModel(null, { echo: { ...tinyKind, wants } });

  const outcome = await runAgent(optionsFor(nowhere, { model: rules }));

  expect(outcome).toMatchObject({ type: 'complete', output: { data: { score: 6 } } });
});

test('labels a draft by rules also when a provider takes the run over', async () => {
  const kept = recorder();
  await runAgent(optionsFor(nowhere, { model, record: kept.record }));
  const steps = kept.steps.map(({ seq, messages, usage }) => ({ seq, messages, usage }));

  const outcome = await runAgent(optionsFor(nowhere, { run: { ...run, attempt: 2, steps } }));

  expect(outcome).toMatchObject({
    type: 'complete',
    deliverables: [{ content: 'by rules: By rules' }],
  });
});

test('streams the draft in pieces that make up the whole', async () => {
  const pieces: string[] = [];

  await runAgent(
    optionsFor(nowhere, {
      model,
      definition: { ...definition, tools: [] },
      onText: (text) => pieces.push(text),
    }),
  );

  expect(pieces.length).toBeGreaterThan(1);
  expect(JSON.parse(pieces.join(''))).toMatchObject({ data: { headline: 'By rules' } });
});

test('fails for good when there are no rules for the agent', async () => {
  const outcome = await runAgent(optionsFor(nowhere, { model: await createModel(null, {}) }));

  expect(outcome).toMatchObject({ type: 'fail', error: { code: 'model_refused' } });
});
