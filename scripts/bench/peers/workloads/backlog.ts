// Whether work slows down with what waits and with what was.
import { withClient } from '../../../../src/postgres/connection.ts';
import type { Session } from '../contract.ts';
import { until } from './stopwatch.ts';
import type { Figures, Place, Size } from './types.ts';

const waiting = 100_000;
const finished = 500_000;
const warmUp = 500;
const concurrency = 16;
const submitters = 4;

export async function backlog(place: Place, { scale }: Size): Promise<Figures> {
  const session = await place.adapter.open(place.address);
  // A tenth of what waits, so that it stays deep.
  const measured = Math.max(100, Math.round((waiting * scale) / 10));
  const load = { session, measured };
  await session.submit('jobs', warmUp + measured);
  const empty = await rate(load, async () => {
    await until(async () => (await session.unfinished()) === 0);
  });
  await session.fillFinished(Math.round(finished * scale));
  await Promise.all(
    Array.from({ length: submitters }, () =>
      session.submit('jobs', Math.ceil((waiting * scale + warmUp + measured) / submitters)),
    ),
  );
  // Neither is to pay for what the filling has left to do.
  await withClient(place.address.adminUrl, async (client) => {
    await client.query('vacuum analyze');
    await client.query('checkpoint');
  });
  const deep = await rate(load, async () => undefined);
  await session.close();

  return { 'empty per second': empty, 'deep per second': deep, 'deep : empty': deep / empty };
}

type Load = { session: Session; measured: number };

/** Jobs a second, from the first after the warm-up to the last of those measured. */
async function rate({ session, measured }: Load, settled: () => Promise<void>): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  let ran = 0;
  let begin = 0;

  const worker = await session.work({
    concurrency,
    mode: 'swift',
    worker: { id: crypto.randomUUID() },
    async run() {
      ran += 1;
      if (ran === warmUp) begin = performance.now();
      if (ran === warmUp + measured) resolve(measured / ((performance.now() - begin) / 1_000));
      return 'done';
    },
  });
  const perSecond = await promise;
  await settled();
  await worker.stop();

  return perSecond;
}
