// Nova's kind of output: performance analysis and the plan for measuring.
import { homePage } from '../findings.ts';
import type { OutputFacts, OutputKind, WantedCall } from '../kind.ts';
import { checkNova } from './checks.ts';
import { draftNova } from './draft.ts';
import { novaFiles } from './files.ts';
import { NovaOutput } from './schema.ts';

export const novaKind: OutputKind<NovaOutput> = {
  agent: 'nova',
  schema: NovaOutput,
  check: checkNova,
  wants,
  draft: draftNova,
  files: novaFiles,
};

// Every table of the brief, and the home page, whose state bears on what can be measured.
function wants({ brief }: OutputFacts): WantedCall[] {
  const tables = brief.attachments
    .filter(({ kind }) => kind === 'csv')
    .map(({ name }) => ({ tool: 'read_table', input: { file: name } }));
  const home = homePage(brief.client?.domain);

  return home === null ? tables : [...tables, { tool: 'audit_page', input: { url: home } }];
}
