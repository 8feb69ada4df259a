// Hears of the calls whether the database works, so that a daemon can say why it does not.
import { type ErrorCode, isAppError, messageOf } from '../core/errors.ts';
import { functions, type Transport } from './functions.ts';

export type Hearing = {
  answered(): void;
  failed(message: string): void;
};

const absent: readonly ErrorCode[] = [
  'database_unavailable',
  'database_key_refused',
  'database_behind',
  'database_newer',
];

// These write, so that they also fail where a full disk still lets itself be read.
const proofs: readonly string[] = [
  functions.registerWorker.name,
  functions.beat.name,
  functions.takeTurn.name,
];

/** The same transport. */
export function watchTransport(transport: Transport, { answered, failed }: Hearing): Transport {
  return {
    async call(target, args) {
      try {
        const answer = await transport.call(target, args);
        if (proofs.includes(target.name)) answered();
        return answer;
      } catch (error) {
        if (isAppError(error) && absent.includes(error.code)) failed(messageOf(error));
        throw error;
      }
    },
  };
}
