// Disks that are full, with real ones: small, mounted for the test. Work waits, nothing is lost, and it goes on by itself.
import { setTimeout as pause } from 'node:timers/promises';
import path from 'node:path';

import { expect, test, vi } from 'vitest';

import { withClient } from '../../src/postgres/connection.ts';
import { type Home, ownerUrl, temporaryHome } from '../support/daemon.ts';
import { freshDatabase } from '../support/database.ts';
import { until } from '../support/until.ts';
import { faultsIn } from './support/invariants.ts';
import { scaled } from './support/scale.ts';
import { canMount, smallDisk } from './support/small-disk.ts';

// For a machine that has much else to do.
const boundMs = 120_000;
vi.setConfig({ testTimeout: 3 * boundMs });

const isRoot = await canMount();
const swift = {
  NIGHTSHIFT_DISK_CHECK_SECONDS: '0.2',
  NIGHTSHIFT_RETRY_BASE_MS: '50',
  NIGHTSHIFT_RETRY_CAP_MS: '100',
};
const text = 'We launch a refill subscription in March.';

async function submit(home: Home): Promise<{ code: number | string }> {
  return await home.run('submit', 'Refill', text, '--agents', 'echo');
}

// Where nothing may be mounted (another system, not root, a closed container), there is no small disk to fill.
test.runIf(isRoot)(
  'the disk of the results is full: deliveries wait, and lose no try',
  async () => {
    await using db = await freshDatabase();
    await using home = await temporaryHome({ DATABASE_URL: db.adminUrl });
    const outputs = path.join(path.dirname(home.path), 'results');
    await using disk = await smallDisk(outputs, 8);
    const env = { ...swift, NIGHTSHIFT_OUTPUTS_FOLDER: outputs, NIGHTSHIFT_DISK_LOW_WATER_MB: '0' };
    await using daemon = await home.start({ args: ['--no-sample'], env });
    disk.fill();

    await submit(home);
    const releases = () => db.sql('select from deliveries where refunds >= 2');
    await until(async () => (await releases()).length > 0, { boundMs, why: daemon.stderr });
    const status = await home.run('status');
    disk.free();
    await until(
      async () => (await db.sql('select from tasks where completed_at is null')).length === 0,
      { boundMs, why: daemon.stderr },
    );

    expect(status.stdout).toMatch(/^Paused +since .*The disk is full/m);
    const tries = await db.sql(`
    select sink, status, attempt - refunds as tries from deliveries order by sink`);
    expect(tries).toEqual([
      { sink: 'folder', status: 'delivered', tries: 1 },
      { sink: 'terminal', status: 'delivered', tries: 1 },
    ]);
    expect(await faultsIn(db.sql)).toEqual([]);
    expect(await daemon.stop()).toBe(0);
  },
);

test.runIf(isRoot)(
  'the disk of the database is full: the daemon stays, loses nothing, goes on',
  async () => {
    await using home = await temporaryHome();
    await using disk = await smallDisk(home.path, 320);
    await using daemon = await home.start({ args: ['--no-sample'], env: swift });
    const url = await ownerUrl(daemon.ready);
    await ask(url, 'create table filler as select 0 as id');

    // Some are at work when the room ends, some come in later.
    const before = await accepted(home, 2);
    disk.fill();
    await exhaust(url);
    const later = await accepted(home, 2);
    await pause(scaled(2_000, 60_000));
    const status = await home.run('status');
    const isAlive = !daemon.hasEnded();
    disk.free();
    const complete = `select count(*)::int as number from tasks where status = 'complete'`;
    await until(
      async () => (await ask(url, complete).catch(() => []))[0]?.['number'] === before + later,
      { boundMs, why: daemon.stderr },
    );

    expect({ isAlive, before }).toEqual({ isAlive: true, before: 2 });
    expect(status.stdout).toMatch(/^Paused +since .*MB free at/m);
    expect(await ask(url, 'select max(attempt - refunds) as tries from agent_runs')).toEqual([
      { tries: 1 },
    ]);
    expect(await withClient(url, (client) => faultsIn(client))).toEqual([]);
    expect(await daemon.stop()).toBe(0);
  },
);

/** How many of so many briefs were taken in. */
async function accepted(home: Home, count: number): Promise<number> {
  const ends = [];
  for (let left = count; left > 0; left -= 1) ends.push(await submit(home));

  return ends.filter(({ code }) => code === 0).length;
}

async function ask(url: string, sql: string): Promise<Record<string, unknown>[]> {
  return await withClient(url, async (client) => (await client.query(sql)).rows);
}

/** Has PostgreSQL write its log until it has to say that there is no room, which ends it. */
async function exhaust(url: string): Promise<void> {
  await withClient(url, async (client) => {
    for (;;) {
      await client.query('insert into filler values (1)');
      await client.query('select pg_switch_wal()');
    }
  }).catch(() => undefined);
}
