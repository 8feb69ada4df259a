// A disk that fills up: the daemon stops claiming before the database stops working, loses nothing, and goes on by itself.
import { expect, test } from 'vitest';

import { appError } from '../../src/core/errors.ts';
import type { DeliveryOutcome } from '../../src/core/delivery.ts';
import { createDiskWatch, type Volumes } from '../../src/daemon/disk-watch.ts';
import { createTroubles } from '../../src/daemon/troubles.ts';
import { systemClock } from '../../src/daemon/clock.ts';
import { silentLog } from '../support/cluster.ts';
import { freshQueue } from '../support/queue.ts';
import { daemonOn, ended, eventually, type LogLine, sinkOf, turnstile } from './fixtures.ts';

const megabyte = 1_000_000;

/** One disk of 1,000 GB with a mark at 500 MB, looked at every few milliseconds. */
function diskWith(freeMb: number) {
  const disk = { freeMb, looks: 0, isSilent: false };
  const volumes: Volumes = {
    folders: ['/home', '/outputs'],
    lowWaterMb: 500,
    everyMs: 5,
    async space() {
      disk.looks += 1;
      if (disk.isSilent) throw new Error('EIO: no answer');
      return { free: disk.freeMb * megabyte, total: 1_000_000 * megabyte, disk: 'one' };
    },
  };
  const afterLooks = async (): Promise<void> => {
    const before = disk.looks;
    await eventually(() => disk.looks > before + 4);
  };

  return Object.assign(disk, { volumes, afterLooks });
}

const said = (lines: LogLine[], text: string) =>
  lines.filter(({ message }) => message.includes(text)).length;

test('claims nothing below the mark, says so once, and goes on by itself at a fifth more', async () => {
  await using given = await freshQueue();
  const disk = diskWith(499);
  await using worker = daemonOn({ url: given.db.workerUrl, volumes: disk.volumes });
  await worker.daemon.start();
  const { id } = await given.submit();
  const paused = async () => (await given.queue.readState()).workers[0]?.paused ?? null;

  const reason = await eventually(async () => (await paused()) ?? undefined);
  disk.freeMb = 599;
  await disk.afterLooks();
  const [waiting] = await given.db.sql('select max(attempt) as attempt from agent_runs');
  const tooSoon = said(worker.lines, 'claims go on');
  disk.freeMb = 601;
  const task = await ended(given.queue, id);

  expect(reason).toBe(
    'only 499 MB free at /home (disk.low_water_mb: 500 MB). Free some space: it goes on by itself at 600 MB',
  );
  expect({ ...waiting, tooSoon }).toEqual({ attempt: 0, tooSoon: 0 });
  expect(task.status).toBe('complete');
  await eventually(async () => (await paused()) === null);
  expect(said(worker.lines, 'nothing is claimed')).toBe(1);
  expect(said(worker.lines, 'claims go on')).toBe(1);
});

test('what has begun is finished and settled while nothing more is claimed', async () => {
  await using given = await freshQueue();
  const disk = diskWith(10_000);
  const gate = turnstile();
  await using worker = daemonOn({
    url: given.db.workerUrl,
    volumes: disk.volumes,
    runAgent: gate.runAgent,
    settings: { concurrencyRuns: 2 },
  });
  const { id } = await given.submit();
  await worker.daemon.start();
  await eventually(() => gate.inside.length === 2);

  disk.freeMb = 0;
  await eventually(() => said(worker.lines, 'nothing is claimed') === 1);
  gate.openAll();
  const runs = () =>
    given.db.sql('select status, count(*)::int from agent_runs group by 1 order by 1');
  await eventually(async () => (await runs())[0]?.['status'] === 'complete');
  await disk.afterLooks();
  const then = await runs();
  disk.freeMb = 10_000;

  expect(then).toEqual([
    { status: 'complete', count: 2 },
    { status: 'pending', count: 5 },
  ]);
  expect(await ended(given.queue, id)).toMatchObject({ status: 'complete', runsEnded: 7 });
});

test('of a small disk a tenth counts, and with no mark whatever there is will do', async () => {
  await using given = await freshQueue();
  const small: Volumes = {
    ...diskWith(0).volumes,
    space: async () => ({ free: 7e6, total: 6e7, disk: 'one' }),
  };
  const none: Volumes = { ...diskWith(0).volumes, lowWaterMb: 0 };

  for (const volumes of [small, none]) {
    await using worker = daemonOn({ url: given.db.workerUrl, volumes });
    await worker.daemon.start();
    const { id } = await given.submit({ agents: ['echo'] });
    expect(await ended(given.queue, id)).toMatchObject({ status: 'complete' });
    expect(said(worker.lines, 'nothing is claimed')).toBe(0);
  }
});

test('a disk that does not say what is free changes nothing', async () => {
  await using given = await freshQueue();
  const disk = diskWith(10_000);
  disk.isSilent = true;
  await using worker = daemonOn({ url: given.db.workerUrl, volumes: disk.volumes });
  await worker.daemon.start();

  const { id } = await given.submit({ agents: ['echo'] });

  expect(await ended(given.queue, id)).toMatchObject({ status: 'complete' });
  expect(said(worker.lines, 'the free space of a disk is not known')).toBeGreaterThan(0);
});

test('a write that found no room is waited for, and twice as long when it finds none again', async () => {
  let nowMs = 0;
  const { volumes } = diskWith(10_000);
  const told: (string | null)[] = [];
  const watch = createDiskWatch({
    volumes: { ...volumes, everyMs: 1_000 },
    clock: { ...systemClock, monotonic: () => nowMs },
    log: silentLog,
    tell: (reason) => told.push(reason),
    resumed: () => undefined,
  });
  const reasonAt = async (ms: number) => {
    nowMs = ms;
    await watch.check();
    return watch.reason();
  };

  watch.full('no room');
  const first = [watch.reason(), await reasonAt(999), await reasonAt(1_000)];
  watch.full('no room');
  const second = [await reasonAt(2_999), await reasonAt(3_000)];
  nowMs = 1_000_000;
  watch.full('no room');
  const later = [await reasonAt(1_000_999), await reasonAt(1_001_000)];

  expect({ first, second, later }).toEqual({
    first: ['no room', 'no room', null],
    second: ['no room', null],
    later: ['no room', null],
  });
  expect(told).toContain('no room');
});

/** Fails with `failure` as long as `times` are left, and tells how often it was asked. */
function fullSink(times: number, failure: () => Promise<DeliveryOutcome>) {
  let asked = 0;
  const sink = sinkOf('folder', async () => {
    asked += 1;
    return asked <= times ? await failure() : { type: 'delivered', result: {} };
  });

  return { sink, asked: () => asked };
}

const refused = async (): Promise<DeliveryOutcome> => {
  const { code, message, retriable } = appError('disk_full');
  return { type: 'retry', error: { code, message, retriable } };
};
const thrown = async (): Promise<DeliveryOutcome> => {
  throw Object.assign(new Error('EDQUOT: quota exceeded'), { code: 'EDQUOT' });
};

test.each([
  ['that says so', refused],
  ['that throws', thrown],
])('a delivery that finds no room waits and loses no try, with a sink %s', async (_, failure) => {
  await using given = await freshQueue();
  const disk = diskWith(10_000);
  const troubles: string[] = [];
  const folder = fullSink(3, failure);
  await using worker = daemonOn({
    url: given.db.workerUrl,
    volumes: disk.volumes,
    sinks: [folder.sink],
    troubles: createTroubles(systemClock, (list) =>
      troubles.push(list.map(({ kind }) => kind).join()),
    ),
  });
  await worker.daemon.start();

  const { id } = await given.submit({ agents: ['echo'] });
  const task = await ended(given.queue, id);

  const tries = await given.db.sql('select attempt - refunds as tries, status from deliveries');
  expect({ tries, asked: folder.asked() }).toEqual({
    tries: [{ tries: 1, status: 'delivered' }],
    asked: 4,
  });
  expect(task.status).toBe('complete');
  expect(troubles.slice(0, 2)).toEqual(['disk', '']);
});

test('a run that finds no room waits and loses no try', async () => {
  await using given = await freshQueue();
  const gate = turnstile();
  gate.openAll();
  let failures = 2;
  await using worker = daemonOn({
    url: given.db.workerUrl,
    volumes: diskWith(10_000).volumes,
    runAgent: async (run, io) => {
      failures -= 1;
      if (failures < 0) return await gate.runAgent(run, io);
      const cause = Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' });
      throw new Error('a chart could not be drawn', { cause });
    },
  });
  await worker.daemon.start();

  const { id } = await given.submit({ agents: ['echo'], maxRetries: 0 });

  expect(await ended(given.queue, id)).toMatchObject({ status: 'complete' });
  const tries = await given.db.sql('select attempt, attempt - refunds as tries from agent_runs');
  expect(tries).toEqual([{ attempt: 3, tries: 1 }]);
});
