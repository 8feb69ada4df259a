// Runs a tool of node_modules, or a file of this repo, with everything installed and under the Node that we want:
// `node bin/run.mjs vitest run`. Called by the scripts of package.json, where a plain `vitest` would get the system's Node.
import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';

import { become, findNode, installMissing, root } from './bootstrap.mjs';

const [tool = '', ...args] = process.argv.slice(2);

await installMissing({ dev: true });

const file = path.join(root, tool);
const isFile = tool.includes('/') && existsSync(file);
const script = isFile ? file : realpathSync(path.join(root, 'node_modules', '.bin', tool));

become(findNode(), [script, ...args]);
