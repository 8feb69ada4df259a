// Apex's kind of output: search strategy, organic and paid.
import { clientAudits } from '../findings.ts';
import type { OutputKind } from '../kind.ts';
import { checkApex } from './checks.ts';
import { draftApex } from './draft.ts';
import { apexFiles } from './files.ts';
import { ApexOutput } from './schema.ts';

export const apexKind: OutputKind<ApexOutput> = {
  agent: 'apex',
  schema: ApexOutput,
  check: checkApex,
  wants: ({ brief }) => clientAudits(brief),
  draft: draftApex,
  files: apexFiles,
};
