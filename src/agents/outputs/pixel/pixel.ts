// The art director's kind of output, as the runner uses it.
import type { OutputKind } from '../kind.ts';
import { checkPixel } from './checks.ts';
import { draftPixel } from './draft.ts';
import { pixelFiles } from './files.ts';
import { PixelOutput } from './schema.ts';

export const pixelKind: OutputKind<PixelOutput> = {
  agent: 'pixel',
  schema: PixelOutput,
  check: checkPixel,
  wants: () => [],
  draft: draftPixel,
  files: pixelFiles,
};
