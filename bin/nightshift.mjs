#!/usr/bin/env node
// The command `nightshift`, for any Node: gets the clone ready, then hands over to the real one, src/cli/main.ts.
import path from 'node:path';

import { become, findNode, installMissing, root } from './bootstrap.mjs';

await installMissing({ dev: false });
const node = findNode();

if (node === process.execPath) await import('./main.mjs');
// A small young generation: less memory at rest, for a program that mostly waits.
else
  become(node, [
    '--max-semi-space-size=2',
    path.join(root, 'bin', 'main.mjs'),
    ...process.argv.slice(2),
  ]);
