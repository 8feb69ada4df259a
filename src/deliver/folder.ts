// The local-folder sink: publishes an ended task as a folder of files that is either whole or not there.
import { pathToFileURL } from 'node:url';

import type { DeliveryOutcome } from '../core/delivery.ts';
import { type AppError, appError, isAppError, messageOf } from '../core/errors.ts';
import type { Log, Sink } from '../core/ports.ts';
import { publishTask } from './folder/publish.ts';

/**
 * Publishes to `<root>/<folder name>/<agent>/<file>`, with `manifest.json`, `index.html` and `brief.md`.
 * `root` is made when missing (0700). A repeat converges to the same tree; files that people put there stay.
 */
export function createFolderSink(options: { root: string; log: Log }): Sink {
  const { root, log } = options;

  return {
    name: 'folder',
    stage: 0,
    async deliver({ task }, context) {
      try {
        const { path, files, bytes } = await publishTask(root, task, context);

        log.info('task published', { taskId: task.id, path, files, bytes });
        return {
          type: 'delivered',
          folderUrl: pathToFileURL(`${path}/`).href,
          result: { path, files, bytes },
        };
      } catch (error) {
        context.signal.throwIfAborted();
        const fault = asFault(error, root);

        log.warn('task not published', { taskId: task.id, root, reason: fault.message });
        return asOutcome(fault);
      }
    },
  };
}

function asOutcome(fault: AppError): DeliveryOutcome {
  const error = { code: fault.code, message: fault.message, retriable: fault.retriable };

  return { type: fault.retriable ? 'retry' : 'fail', error };
}

function asFault(error: unknown, root: string): AppError {
  if (isAppError(error)) return error;

  const facts = { detail: `${root} (${messageOf(error)})`, root };
  switch (errnoOf(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return appError('disk_full', facts, { cause: error });
    case 'EROFS':
      return appError('disk_read_only', facts, { cause: error });
    case 'EACCES':
    case 'EPERM':
      return appError('folder_not_writable', facts, { cause: error });
    case 'ELOOP':
      return appError('folder_refused', facts, { cause: error });
    default:
      return appError('delivery_failed', facts, { cause: error });
  }
}

function errnoOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
