// The video producer's kind of output, as the runner uses it.
import type { OutputKind } from '../kind.ts';
import { checkReel } from './checks.ts';
import { draftReel } from './draft.ts';
import { reelFiles } from './files.ts';
import { ReelOutput } from './schema.ts';

export const reelKind: OutputKind<ReelOutput> = {
  agent: 'reel',
  schema: ReelOutput,
  check: checkReel,
  wants: () => [],
  draft: draftReel,
  files: reelFiles,
};
