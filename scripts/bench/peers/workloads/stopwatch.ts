// What a stretch of work has cost: processors, write-ahead log, transactions.
import { withClient } from '../../../../src/postgres/connection.ts';
import { processorSeconds } from '../../measure.ts';
import type { Place } from './types.ts';

export type Cost = {
  nodeSeconds: number;
  postgresSeconds: number | null;
  walBytes: number;
};

// Sessions tell what they have done at most once a second, and when they end.
const toldMs = 1_200;

/** What has been used up since this call. */
export async function startCost({ address, postgresPid }: Place): Promise<() => Promise<Cost>> {
  const walBytes = () =>
    readNumber(address, `select pg_current_wal_insert_lsn() - '0/0' as number`);
  const walBefore = await walBytes();
  const postgresBefore = await processorSeconds(postgresPid);
  const nodeBefore = process.cpuUsage();

  return async () => {
    const node = process.cpuUsage(nodeBefore);
    const postgresAfter = await processorSeconds(postgresPid);

    return {
      nodeSeconds: (node.user + node.system) / 1e6,
      postgresSeconds:
        postgresAfter === null || postgresBefore === null ? null : postgresAfter - postgresBefore,
      walBytes: (await walBytes()) - walBefore,
    };
  };
}

/** Transactions that the database has ended, as far as its sessions have told. */
export async function transactionsTold({ address }: Place): Promise<number> {
  await pause(toldMs);

  return await readNumber(
    address,
    `select xact_commit + xact_rollback as number from pg_stat_database where datname = current_database()`,
  );
}

async function readNumber({ adminUrl }: Place['address'], text: string): Promise<number> {
  const { rows } = await withClient(adminUrl, (client) => client.query(text));

  return Number(rows[0]?.number);
}

/** Waits until a condition holds, looking every few milliseconds. Resolves to whether it did within the limit. */
export async function until(
  holds: () => Promise<boolean>,
  { everyMs = 10, withinMs = 300_000 }: { everyMs?: number; withinMs?: number } = {},
): Promise<boolean> {
  const begin = performance.now();

  while (performance.now() - begin < withinMs) {
    if (await holds()) return true;
    await pause(everyMs);
  }

  return false;
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
