// Starts the command line on a Node that runs TypeScript, with what was compiled last time kept for the next.
import { enableCompileCache } from 'node:module';
import path from 'node:path';

import { root } from './bootstrap.mjs';

// Halves the start. Not in the system's folder for temporary files: others could leave code there for us to run.
enableCompileCache(path.join(root, 'node_modules', '.cache', 'nightshift'));

await import('../src/cli/main.ts');
