// A program that puts numbers into the folder named by its argument, one after the other, until it is killed.
import { z } from 'zod';

import { createFolder } from '../../../src/queue/spool.ts';

const [, , root = ''] = process.argv;
const folder = createFolder(root, { schema: z.object({ number: z.number() }), now: Date.now });

for (let number = 1; ; number += 1) {
  await folder.add({ number });
  // Said only once it is safe.
  process.stdout.write(`${number}\n`);
}
