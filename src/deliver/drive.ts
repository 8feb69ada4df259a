// The Google Drive sink: one folder for every ended task, failed ones too, with its agents' results in it.
import type { DeliveryOutcome } from '../core/delivery.ts';
import { type AppError, appError, isAppError, messageOf } from '../core/errors.ts';
import type { Clock, Log, Sink } from '../core/ports.ts';
import { type DriveClient, openClient } from './drive/client.ts';
import { type DriveCredentials, secretsOf } from './drive/credentials.ts';
import { withoutSecrets } from './drive/faults.ts';
import { publishToDrive } from './drive/publish.ts';
import type { Addresses } from './drive/route.ts';

export type DriveOptions = Addresses & {
  credentials: DriveCredentials;
  /** The folder, also one on a shared drive, that tasks' folders go to; default the top of My Drive. */
  parentId?: string | undefined;
  /** The longest one request may take before it counts as hung; default 45 s. */
  requestMs?: number;
  clock: Clock;
  log: Log;
};

const defaultRequestMs = 45_000;
/** The rest of a delivery's time is for ending what has begun. */
const shareForWaiting = 0.8;

/**
 * Publishes to `<folder name>/<agent>/<file>`: Markdown and HTML as Google Docs, CSV as Google Sheets, the rest as it
 * is. A repeat uploads only what has changed, as a new version of the same file; what is no longer delivered stays.
 * Nothing is loaded or asked of Google before the first delivery.
 */
export function createDriveSink(options: DriveOptions): Sink {
  const { credentials, parentId = null, requestMs = defaultRequestMs, clock, log } = options;
  const circumstances = { account: credentials.type, secrets: secretsOf(credentials) };
  let client: Promise<DriveClient> | undefined;

  return {
    name: 'drive',
    stage: 0,
    async deliver({ task, timeoutSeconds }, context) {
      const { signal, check } = context;
      const endsAt = clock.monotonic() + timeoutSeconds * 1_000 * shareForWaiting;

      try {
        signal.throwIfAborted();
        client ??= openClient(credentials, options);
        const patience = { clock, signal, check, log, endsAt, requestMs };
        const session = { client: await client, patience, circumstances };
        const { folderId, folderUrl, fileIds } = await publishToDrive(session, task, {
          parentId,
          context,
        });

        log.info('task published to Drive', { taskId: task.id, folderId });
        return { type: 'delivered', folderUrl, result: { folderId, fileIds } };
      } catch (error) {
        signal.throwIfAborted();
        const fault = isAppError(error) ? error : unexpected(error, circumstances);

        log.warn('task not published to Drive', {
          ...fault.facts,
          taskId: task.id,
          reason: fault.message,
        });
        return outcomeOf(fault);
      }
    },
  };
}

function outcomeOf({ code, message, retriable, facts }: AppError): DeliveryOutcome {
  const error = { code, message, retriable };
  if (!retriable) return { type: 'fail', error };

  const { retryAfterMs } = facts;
  return typeof retryAfterMs === 'number'
    ? { type: 'retry', error, retryAfterMs }
    : { type: 'retry', error };
}

function unexpected(error: unknown, circumstances: { secrets: string[] }): AppError {
  const reason = withoutSecrets(messageOf(error), circumstances);

  return appError('delivery_failed', { detail: `Google Drive (${reason})` });
}
