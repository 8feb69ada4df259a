// What becomes of PostgreSQL when the daemon that started it is killed.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

import { withClient } from '../../src/postgres/connection.ts';
import { isAlive } from '../../src/postgres/postmaster.ts';
import { eventually, startOn, temporaryHome, type Home } from './home.ts';

test('outlives a daemon that is killed, and is adopted by the next', async () => {
  await using home = await temporaryHome();
  const orphan = await startAndKillDaemon(home);
  expect(await isAlive(orphan)).toBe(true);

  await using server = await startOn(home);

  expect(server.pid()).toBe(orphan);
  await withClient(server.workerUrl, (client) => client.query('select'));
});

test('is stopped by the daemon that adopted it', async () => {
  await using home = await temporaryHome();
  const orphan = await startAndKillDaemon(home);

  const server = await startOn(home);
  await server.stop();

  expect(await isAlive(orphan)).toBe(false);
});

test('comes back also when it dies after its adoption', async () => {
  await using home = await temporaryHome();
  const orphan = await startAndKillDaemon(home);
  await using server = await startOn(home);

  process.kill(orphan, 'SIGQUIT');
  await eventually(async () => {
    await withClient(server.workerUrl, (client) => client.query('select'));
    return server.pid() !== orphan;
  });

  expect(await isAlive(orphan)).toBe(false);
});

async function startAndKillDaemon(home: Home): Promise<number> {
  const program = fileURLToPath(new URL('daemon-to-kill.ts', import.meta.url));
  const daemon = spawn(process.execPath, [program, home.path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(daemon.stdout, 'data');
  daemon.kill('SIGKILL');
  await once(daemon, 'exit');

  return Number(String(line));
}
