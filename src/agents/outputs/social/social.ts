// The social strategist's kind of output, as the runner uses it.
import type { OutputKind } from '../kind.ts';
import { checkSocial } from './checks.ts';
import { draftSocial } from './draft.ts';
import { socialFiles } from './files.ts';
import { SocialOutput } from './schema.ts';

export const socialKind: OutputKind<SocialOutput> = {
  agent: 'social',
  schema: SocialOutput,
  check: checkSocial,
  wants: () => [],
  draft: draftSocial,
  files: socialFiles,
};
