// A program that outlives a test run which was killed: it ends what the run had spawned, and removes its homes.
import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';

import { stopOrphan } from './postmaster.ts';

const homes = new Set<string>();
const pids = new Set<number>();

// Its input ends when the test run does, however it ends.
for await (const line of createInterface({ input: process.stdin })) {
  const [verb, what = ''] = line.split('\t');

  if (verb === 'spawned') pids.add(Number(what));
  if (verb === 'ended') pids.delete(Number(what));
  if (verb === 'made') homes.add(what);
  if (verb === 'removed') homes.delete(what);
}

for (const pid of pids) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended together with the test run.
  }
}
for (const home of homes) {
  await stopOrphan(home);
  await rm(dirname(home), { recursive: true, force: true, maxRetries: 5 });
}
