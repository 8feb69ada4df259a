// Keeps outcomes on the disk from the first failed try to settle them until the database has answered for them.
import { messageOf } from '../core/errors.ts';
import type { Clock, Log } from '../core/ports.ts';
import type { Token, TurnResult } from '../core/queue.ts';
import type { Spool, SpooledOutcome } from '../core/spool.ts';
import type { Held, Kind } from './held.ts';
import { isFinal, putAside } from './late.ts';
import type { Batch } from './outbox.ts';
import { scrub } from './scrub.ts';

export type OutcomeSpoolPorts = {
  spool: Pick<Spool, 'outcomes' | 'late'>;
  workerId: string;
  /** Knows what the outcomes are about, as long as they are not settled. */
  held: Held;
  clock: Clock;
  log: Log;
};

export type OutcomeSpool = {
  /** Gives each of these a file, unless it has one. Never rejects: what the disk does not take stays in memory only. */
  keep(batch: Batch): Promise<void>;
  /** The database has answered: files go, and finished work that came too late is put aside. */
  answered(batch: Batch, answers: Pick<TurnResult, 'runAnswers' | 'deliveryAnswers'>): void;
  /** The database will never take these: they are moved to where people can look at them. */
  refused(batch: Batch, reason: string): void;
  /** Resolves once nothing is being written or removed. */
  idle(): Promise<void>;
};

export function createOutcomeSpool(ports: OutcomeSpoolPorts): OutcomeSpool {
  const { spool, log } = ports;
  const files = createFiles(ports);
  const { background, idle } = createBackground(log);

  async function forget(entry: SpooledOutcome, isLost: boolean): Promise<void> {
    const file = files.take(entry);
    // First: what cannot be put aside stays where it is, and is looked at again by the next boot.
    if (isLost && isFinal(entry)) await putAside({ ...ports, late: spool.late }, entry);
    const name = await file;
    if (name !== undefined) await spool.outcomes.remove(name);
  }

  async function refuse(entry: SpooledOutcome, reason: string): Promise<void> {
    const name = (await files.take(entry)) ?? (await spool.outcomes.add(entry));
    await spool.outcomes.refuse(name, reason);
  }

  return {
    idle,
    async keep(batch) {
      const fresh = entriesOf(ports, batch).filter((entry) => !files.has(entry));
      for (const entry of fresh) files.write(entry);
      if (fresh.length > 0) log.info('outcomes go to the disk', { outcomes: fresh.length });

      const written = files.written();
      background(written);
      await written;
    },

    answered(batch, { runAnswers, deliveryAnswers }) {
      const lost = new Set([
        ...lostOf(runAnswers).map((token) => keyOf('run', token)),
        ...lostOf(deliveryAnswers).map((token) => keyOf('delivery', token)),
      ]);
      if (files.isEmpty() && lost.size === 0) return;

      for (const entry of entriesOf(ports, batch)) {
        background(forget(entry, lost.has(keyOf(entry.kind, entry))));
      }
    },

    refused(batch, reason) {
      for (const entry of entriesOf(ports, batch)) background(refuse(entry, reason));
    },
  };
}

/** Which outcome has which file; one whose file could not be written has none. */
function createFiles({ spool, log }: OutcomeSpoolPorts) {
  const files = new Map<string, Promise<string | undefined>>();
  let isFailing = false;

  async function add(entry: SpooledOutcome, key: string): Promise<string | undefined> {
    try {
      const name = await spool.outcomes.add(entry);
      isFailing = false;
      return name;
    } catch (error) {
      // The next failed try comes by here again.
      files.delete(key);
      if (!isFailing)
        log.error('the spool cannot be written: outcomes wait in memory', told(error));
      isFailing = true;
      return undefined;
    }
  }

  return {
    isEmpty: () => files.size === 0,
    has: (entry: SpooledOutcome) => files.has(keyOf(entry.kind, entry)),
    written: () => Promise.all(files.values()),
    write(entry: SpooledOutcome): void {
      const key = keyOf(entry.kind, entry);
      files.set(key, add(entry, key));
    },
    /** The name of its file, which is the caller's from now on. */
    async take(entry: SpooledOutcome): Promise<string | undefined> {
      const key = keyOf(entry.kind, entry);
      const file = files.get(key);
      files.delete(key);
      return await file;
    },
  };
}

/** Work on the disk that nobody waits for. */
function createBackground(log: Log) {
  const busy = new Set<Promise<unknown>>();

  return {
    background(work: Promise<unknown>): void {
      const ended: Promise<unknown> = work
        .catch((error: unknown) => log.error('the spool is not in order', told(error)))
        .finally(() => busy.delete(ended));
      busy.add(ended);
    },
    async idle(): Promise<void> {
      while (busy.size > 0) await Promise.all(busy);
    },
  };
}

/** What is not held any more has been settled before: there is nothing to keep of it. */
function entriesOf({ held, workerId }: OutcomeSpoolPorts, batch: Batch): SpooledOutcome[] {
  const runs = batch.runs.flatMap((settled): SpooledOutcome[] => {
    const holding = held.find('run', settled);
    if (holding === undefined) return [];
    return [{ kind: 'run', workerId, taskId: holding.taskId, agent: holding.name, ...settled }];
  });
  const deliveries = batch.deliveries.flatMap((settled): SpooledOutcome[] => {
    const holding = held.find('delivery', settled);
    if (holding === undefined) return [];
    return [{ kind: 'delivery', workerId, taskId: holding.taskId, sink: holding.name, ...settled }];
  });

  return [...runs, ...deliveries];
}

const lostOf = (answers: TurnResult['runAnswers']) =>
  answers.filter(({ answer }) => answer === 'lost');

const keyOf = (kind: Kind, { id, attempt }: Token): string => `${kind} ${id} ${attempt}`;

const told = (error: unknown) => ({ error: scrub(messageOf(error)) });
