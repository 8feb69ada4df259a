// What this worker has claimed and not yet settled: the tokens that it beats for, and how to stop their work.
import type { AppError } from '../core/errors.ts';
import type { Token, TokenAnswer } from '../core/queue.ts';
import { abortReason } from './aborted.ts';

export type Kind = 'run' | 'delivery';

export type Holding = {
  kind: Kind;
  token: Token;
  taskId: string;
  /** Whose work it is: an agent's or a sink's. */
  name: string;
  controller: AbortController;
};

export type Work = Pick<Holding, 'taskId' | 'name'>;

export type Held = {
  /** Takes a claim in; undefined when it is held already, as after a repeated reply. */
  add(kind: Kind, token: Token, work: Work): Holding | undefined;
  find(kind: Kind, token: Token): Holding | undefined;
  drop(kind: Kind, token: Token): void;
  tokens(kind: Kind): Token[];
  holdsTask(taskId: string): boolean;
  /** Stops the work on one claim; false when it is not held. */
  abort(kind: Kind, token: Token, reason: AppError): boolean;
  abortAll(reason: AppError): void;
  size(): number;
};

export function createHeld(): Held {
  const holdings = new Map<string, Holding>();
  const keyOf = (kind: Kind, token: Token): string => `${kind} ${token.id} ${token.attempt}`;
  const all = (): Holding[] => [...holdings.values()];

  return {
    add(kind, { id, attempt }, { taskId, name }) {
      const key = keyOf(kind, { id, attempt });
      if (holdings.has(key)) return undefined;

      const controller = new AbortController();
      const holding = { kind, token: { id, attempt }, taskId, name, controller };
      holdings.set(key, holding);
      return holding;
    },

    find: (kind, token) => holdings.get(keyOf(kind, token)),
    drop: (kind, token) => void holdings.delete(keyOf(kind, token)),
    tokens: (kind) => all().flatMap((held) => (held.kind === kind ? [held.token] : [])),
    holdsTask: (taskId) => all().some((held) => held.taskId === taskId),

    abort(kind, token, reason) {
      const holding = holdings.get(keyOf(kind, token));
      holding?.controller.abort(reason);
      return holding !== undefined;
    },

    abortAll(reason) {
      for (const holding of all()) holding.controller.abort(reason);
    },

    size: () => holdings.size,
  };
}

/** Stops the work on a run whose step the database did not take. */
export function takenFrom(held: Held, { answer, ...token }: TokenAnswer): void {
  const reason = abortReason(answer);
  if (reason !== undefined) held.abort('run', token, reason);
}
