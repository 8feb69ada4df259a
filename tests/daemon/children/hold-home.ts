// A program that takes the lock of the home named by its argument, writes a ready file, and waits to be killed.
import { takeHome } from '../../../src/daemon/lock.ts';
import { writeReadyFile } from '../../../src/daemon/ready-file.ts';

const [, , home = '', workerId = ''] = process.argv;
const taken = await takeHome(home);

if (taken.type === 'held' && workerId !== '') {
  await writeReadyFile(home, {
    pid: process.pid,
    worker_id: workerId,
    version: '0.0.0',
    profile: 'embedded',
    started_at: new Date().toISOString(),
  });
}
process.stdout.write(`${taken.type}\n`);
setInterval(() => undefined, 60_000);
