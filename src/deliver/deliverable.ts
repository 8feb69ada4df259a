// Reads a deliverable's bytes, and makes sure that they are what the agent delivered.
import { createHash } from 'node:crypto';

import { orAborted } from '../core/abort.ts';
import type { DeliverableSummary } from '../core/delivery.ts';
import { appError, messageOf } from '../core/errors.ts';
import type { SinkContext } from '../core/ports.ts';

/** Throws `deliverable_unreadable` or `deliverable_corrupt`; rejects with the signal's reason when aborted. */
export async function readChecked(
  deliverable: DeliverableSummary,
  context: SinkContext,
): Promise<Uint8Array> {
  context.signal.throwIfAborted();
  const content = await read(deliverable, context);
  const sha256 = createHash('sha256').update(content).digest('hex');

  if (sha256 !== deliverable.sha256.toLowerCase()) {
    throw appError('deliverable_corrupt', {
      detail: `${deliverable.agent}/${deliverable.name} has another SHA-256 than was recorded`,
      deliverableId: deliverable.id,
    });
  }
  return content;
}

async function read(deliverable: DeliverableSummary, context: SinkContext): Promise<Uint8Array> {
  try {
    // A reader that hangs must not hold up a shutdown.
    return await orAborted(context.read(deliverable), context.signal);
  } catch (error) {
    context.signal.throwIfAborted();
    const detail = `${deliverable.agent}/${deliverable.name} (${messageOf(error)}); it is tried again`;
    throw appError('deliverable_unreadable', { detail }, { cause: error });
  }
}
