// Many connections on one queue at once: no deadlock is ever seen, and nothing opens early, late or twice.
import pg from 'pg';
import { expect, test } from 'vitest';

import { createQueue } from '../../src/queue/client.ts';
import { createPgTransport } from '../../src/queue/pg-transport.ts';
import { freshDatabase } from '../support/database.ts';
import { until } from '../support/until.ts';
import { type Crowd, meddle, submit, sweep, work } from './concurrency/crowd.ts';
import { createLedger } from './concurrency/ledger.ts';
import { openRounds } from './concurrency/rounds.ts';
import { faultsIn, finalFaultsIn } from './support/invariants.ts';
import { randomOf, scaled, seed } from './support/scale.ts';

const minutes = 60_000;

test(
  `a crowd of workers, people and sweepers finds the queue in order at all times (seed ${seed})`,
  { timeout: scaled(5, 10) * minutes },
  async () => {
    await using db = await freshDatabase();
    await using stack = new AsyncDisposableStack();
    const pool = new pg.Pool({ connectionString: db.workerUrl, max: 24 });
    pool.on('error', () => undefined);
    stack.defer(() => pool.end());
    const end = performance.now() + scaled(4_000, 60_000);
    const ledger = createLedger();
    const stop = new AbortController();
    const crowd: Crowd = {
      queue: createQueue(createPgTransport(pool)),
      ledger,
      dice: randomOf(seed),
      tasks: [],
      isOver: () => stop.signal.aborted,
      isDraining: () => performance.now() > end || ledger.faults.length > 0,
    };

    const everyone = gather(crowd);
    while (!crowd.isDraining()) ledger.faults.push(...(await faultsIn(db.admin)));
    await until(async () => ledger.faults.length > 0 || (await isQuiet(db.admin)), {
      boundMs: 2 * minutes,
    }).catch(() => undefined);
    stop.abort();
    await everyone;

    expect(ledger.faults).toEqual([]);
    expect(await finalFaultsIn(db.admin)).toEqual([]);
    // Whatever a worker was told is taken is there, and nothing that nobody was told of.
    const complete = await db.sql<{ name: string }>(
      `select id || '/' || attempt as name from agent_runs where status = 'complete'`,
    );
    const told = [...ledger.completed].map(([id, attempt]) => `${id}/${attempt}`);
    expect(complete.map((row) => row.name).toSorted()).toEqual(told.toSorted());
  },
);

test(
  'seven siblings that finish at the same moment open what follows once',
  { timeout: scaled(5, 30) * minutes },
  async () => {
    await using db = await freshDatabase();
    await using rounds = await openRounds(db);

    for (let round = 0; round < scaled(60, 1_000); round += 1) {
      const seen = await rounds.play();
      expect(seen).toEqual({ secondWave: 7, stages: [2, 2], ends: 1, status: 'complete' });
    }

    expect(await finalFaultsIn(db.admin)).toEqual([]);
  },
);

function gather(crowd: Crowd): Promise<unknown> {
  return Promise.all([
    ...Array.from({ length: 14 }, () => work(crowd)),
    ...Array.from({ length: 3 }, () => submit(crowd)),
    ...Array.from({ length: 3 }, () => meddle(crowd)),
    ...Array.from({ length: 2 }, () => sweep(crowd)),
  ]);
}

async function isQuiet(admin: pg.Pool): Promise<boolean> {
  const faults = await finalFaultsIn(admin);

  return faults.length === 0;
}
