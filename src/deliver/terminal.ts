// The terminal sink: says in plain lines that a task has ended, where no messenger is set up.
import { appError, messageOf } from '../core/errors.ts';
import type { Log, Sink } from '../core/ports.ts';
import { plainLines, taskMessage } from './message.ts';

/** `write` takes one line without its end, and is called for all lines of a message in one go. */
export function createTerminalSink(options: { write(line: string): void; log: Log }): Sink {
  const { write, log } = options;

  return {
    name: 'terminal',
    stage: 1,
    async deliver({ task }, { signal }) {
      signal.throwIfAborted();
      const lines = plainLines(taskMessage(task));

      try {
        lines.forEach((line) => write(line));
      } catch (cause) {
        const { code, message, retriable } = appError('delivery_failed', {
          detail: `the terminal takes no text (${messageOf(cause)})`,
        });
        log.warn('task not told', { taskId: task.id, reason: message });
        return { type: 'retry', error: { code, message, retriable } };
      }
      return { type: 'delivered', result: { lines: lines.length } };
    },
  };
}
