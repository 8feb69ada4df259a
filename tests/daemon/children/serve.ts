// A program that serves the database named by its argument until it is told to stop, and must then end by itself.
import { once } from 'node:events';

import { daemonOn } from '../fixtures.ts';

const [, , url = ''] = process.argv;
const told = once(process, 'SIGTERM');

{
  await using worker = daemonOn({ url, settings: { pollMinutes: 1 / 60 } });
  await worker.daemon.start();
  process.stdout.write('serving\n');
  await told;
  await worker.daemon.stop();
}
process.stdout.write('stopped\n');
