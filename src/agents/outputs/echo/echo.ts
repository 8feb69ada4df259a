// The copywriter's kind of output, as the runner uses it.
import type { OutputKind } from '../kind.ts';
import { linkOf } from '../subject.ts';
import { checkEcho } from './checks.ts';
import { draftEcho } from './draft.ts';
import { echoFiles } from './files.ts';
import { EchoOutput } from './schema.ts';

export const echoKind: OutputKind<EchoOutput> = {
  agent: 'echo',
  schema: EchoOutput,
  check: checkEcho,
  wants({ brief }) {
    const url = linkOf(brief);
    return url === null ? [] : [{ tool: 'audit_page', input: { url } }];
  },
  draft: draftEcho,
  files: echoFiles,
};
