// A brief that kills whoever works on it: it stops at its cap, and all others are done.
import { expect, test } from 'vitest';

import type { Daemon } from '../support/daemon.ts';
import { freshDatabase } from '../support/database.ts';
import { until } from '../support/until.ts';
import { faultsOf } from './support/judge.ts';
import { scaled } from './support/scale.ts';
import { openWorld } from './support/world.ts';

const poisons = scaled(1, 10);
const maxRetries = 2;

test('a brief that kills its worker each time fails at its cap of tries, and harms nobody else', async () => {
  await using db = await freshDatabase();
  await using world = await openWorld({ databaseUrl: db.adminUrl });
  let victim: Daemon | undefined;
  let deaths = 0;
  const titles = Array.from({ length: poisons }, (_, at) => `Poison ${at + 1}`);
  for (const title of titles) {
    world.model.meet(title, () => {
      deaths += victim?.hasEnded() === false ? 1 : 0;
      victim?.kill('SIGKILL');
    });
  }

  for (const title of titles) {
    await world.submit({ title, maxRetries });
    await Promise.all(Array.from({ length: 5 }, () => world.submit({ maxRetries })));
  }
  for (;;) {
    const daemon = await world.start();
    victim = daemon;
    const isOver = () =>
      world.allEnded(0).then(
        () => true,
        () => false,
      );
    await until(async () => daemon.hasEnded() || (await isOver()), { boundMs: 60_000 });
    if (!daemon.hasEnded()) break;
  }

  const expected = Object.fromEntries(titles.map((title) => [title, 'failed']));
  expect(await faultsOf(world, { interruptions: deaths, expected })).toEqual([]);
  const failed = await db.sql(`
    select error ->> 'code' as code, attempt - refunds as tries from agent_runs where status = 'failed'`);
  expect(failed).toEqual(titles.map(() => ({ code: 'worker_lost', tries: maxRetries + 1 })));
  expect(deaths).toBeLessThanOrEqual(poisons * (maxRetries + 1));
  expect(await victim?.stop()).toBe(0);
}, 1_200_000);
