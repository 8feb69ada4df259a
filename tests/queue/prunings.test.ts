// The night's pruning: who of several workers does it, and when.
import { expect, test } from 'vitest';

import { day } from '../support/pruning.ts';
import { freshQueue, type TestQueue, type TestWorker } from '../support/queue.ts';
import { until } from '../support/until.ts';

test('the night’s pruning is one worker’s, once a night, and waits for the first night', async () => {
  await using queue = await freshQueue();
  const [first, second] = [await queue.worker(), await queue.worker()];

  const fresh = await queue.queue.beginPruning(first.id, 3_600);
  await queue.db.advance({ seconds: day });
  await Promise.all([beat(queue, first), beat(queue, second)]);
  const begun = await queue.queue.beginPruning(first.id, 3_600);
  const meanwhile = await queue.queue.beginPruning(second.id, 3_600);
  if (begun.state === 'begun') await queue.queue.endPruning(begun.id, first.id, { steps: 7 });
  const afterwards = await queue.queue.beginPruning(second.id, 3_600);
  await queue.db.advance({ seconds: day });
  const next = await queue.queue.beginPruning(second.id, 3_600);

  const states = [fresh, begun, meanwhile, afterwards, next].map(({ state }) => state);
  expect(states).toEqual(['done', 'begun', 'elsewhere', 'done', 'begun']);
  expect(await queue.db.sql('select removed from prunings order by id')).toEqual([
    { removed: {} },
    { removed: { steps: 7 } },
    { removed: {} },
  ]);
});

test('the night’s pruning is asked for by many at once and given to one', async () => {
  await using queue = await freshQueue();
  const worker = await queue.worker();
  await queue.queue.beginPruning(worker.id, 60);
  await queue.db.advance({ seconds: day });
  const workers = await Promise.all(Array.from({ length: 8 }, () => queue.worker()));
  const client = await queue.db.admin.connect();
  // Nobody can write what they have found until all have looked.
  await client.query('begin; lock table prunings in share mode');

  const asking = Promise.all(workers.map(({ id }) => queue.queue.beginPruning(id, 60)));
  await until(async () => (await queue.db.sql(waiting)).length === 8);
  await client.query('commit');
  client.release();

  const states = (await asking).map(({ state }) => state).toSorted();
  expect(states).toEqual(['begun', ...Array.from({ length: 7 }, () => 'elsewhere')]);
});

test('the night’s pruning goes on with another worker when the one at it has died', async () => {
  await using queue = await freshQueue();
  const dead = await queue.worker();
  await queue.queue.beginPruning(dead.id, 60);
  await queue.db.advance({ seconds: day });
  await beat(queue, dead);
  const begun = await queue.queue.beginPruning(dead.id, 60);
  await queue.db.advance({ seconds: 46 });
  const heir = await queue.worker();

  const taken = await queue.queue.beginPruning(heir.id, 106);
  if (begun.state === 'begun') await queue.queue.endPruning(begun.id, dead.id, { steps: 1 });

  expect(taken).toEqual(begun);
  expect(await queue.db.sql('select from prunings where ended_at is null')).toHaveLength(1);
});

const waiting = `select from pg_locks
  where not granted and database = (select oid from pg_database where datname = current_database())`;

async function beat({ queue }: TestQueue, worker: TestWorker): Promise<void> {
  await queue.beat(worker.id, [], []);
}
