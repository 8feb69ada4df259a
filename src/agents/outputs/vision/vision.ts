// Vision's kind of output: brand and market strategy.
import { clientAudits, homePage } from '../findings.ts';
import type { OutputFacts, OutputKind, WantedCall } from '../kind.ts';
import { checkVision } from './checks.ts';
import { competitorDomains } from './competitors.ts';
import { draftVision } from './draft.ts';
import { visionFiles } from './files.ts';
import { VisionOutput } from './schema.ts';

export const visionKind: OutputKind<VisionOutput> = {
  agent: 'vision',
  schema: VisionOutput,
  check: checkVision,
  wants,
  draft: draftVision,
  files: visionFiles,
};

// The client's pages, and the home page of every competitor.
function wants({ brief }: OutputFacts): WantedCall[] {
  const rivals = competitorDomains(brief)
    .map(homePage)
    .filter((url) => url !== null)
    .map((url) => ({ tool: 'audit_page', input: { url } }));

  return [...clientAudits(brief), ...rivals];
}
