// Takes one claimed delivery to its sink, and turns whatever happens there into an outcome.
import type { ClaimedDelivery, DeliverableSummary, DeliveryOutcome } from '../core/delivery.ts';
import { isDiskCode, isDiskFault } from '../core/disk.ts';
import { type AppError, appError, isAppError, messageOf } from '../core/errors.ts';
import type { Clock, Log, Sink } from '../core/ports.ts';
import { abortKind } from './aborted.ts';
import { bounded } from './bounded.ts';
import type { Holding } from './held.ts';
import { scrub } from './scrub.ts';

export type DeliveryPorts = {
  sinks: Sink[];
  read(deliverable: DeliverableSummary): Promise<Uint8Array>;
  /** The longest one try may take. */
  timeoutSeconds: number;
  clock: Clock;
  log: Log;
  /** False while others may think this worker dead. */
  isCurrent(): boolean;
  /** Hears that a disk took no more: nothing is to be claimed for a while. */
  full(detail: string): void;
};

/** Works on one delivery. Never rejects; undefined when it was taken away, so that nothing is to be settled. */
export async function workDelivery(
  ports: DeliveryPorts,
  delivery: ClaimedDelivery,
  { holding, sentAt }: { holding: Holding; sentAt: number },
): Promise<DeliveryOutcome | undefined> {
  const { signal } = holding.controller;

  try {
    const outcome = await attempt(ports, delivery, { holding, sentAt });
    return afterAbort(unlessFull(ports, outcome), signal);
  } catch (error) {
    const outcome = outcomeOfThrown(error);
    if (!signal.aborted) {
      ports.log.warn('a delivery threw', {
        deliveryId: delivery.id,
        sink: delivery.sink,
        error: scrub(messageOf(error)),
      });
    }
    return afterAbort(unlessFull(ports, outcome), signal);
  }
}

/** A disk without room says nothing about the delivery: it waits, and no try of it is lost. */
function unlessFull({ full }: DeliveryPorts, outcome: DeliveryOutcome): DeliveryOutcome {
  if (!('error' in outcome) || !isDiskCode(outcome.error.code)) return outcome;
  full(outcome.error.message);

  return { type: 'release' };
}

async function attempt(
  { sinks, read, timeoutSeconds, clock, isCurrent, log }: DeliveryPorts,
  delivery: ClaimedDelivery,
  { holding, sentAt }: { holding: Holding; sentAt: number },
): Promise<DeliveryOutcome> {
  const sink = sinks.find((candidate) => candidate.name === delivery.sink);
  if (sink === undefined) throw sinkMissing(delivery.sink, sinks);

  const seconds = Math.min(delivery.timeoutSeconds, timeoutSeconds);
  const limitMs = seconds * 1_000 - (clock.monotonic() - sentAt);
  const late = () => deliveryFailed(`it took longer than ${seconds} s`);

  const { controller } = holding;
  const check = (): void => {
    if (!isCurrent()) controller.abort(appError('lease_uncertain'));
    controller.signal.throwIfAborted();
  };

  return await bounded({ clock, controller, limitMs, late }, (signal) =>
    sink.deliver(delivery, { log, signal, check, read }),
  );
}

// A try, not a release: handed back it would be due again at once, and come straight back to us.
function sinkMissing(name: string, sinks: Sink[]): AppError {
  const known = sinks.map((sink) => sink.name).join(', ') || 'none';

  return deliveryFailed(`this worker has no sink named ${name}; it has ${known}`);
}

function deliveryFailed(detail: string): AppError {
  return appError('delivery_failed', { detail });
}

function errorOf(thrown: unknown): AppError {
  if (isAppError(thrown)) return thrown;
  const detail = messageOf(thrown);

  return isDiskFault(thrown) ? appError('disk_full', { detail }) : deliveryFailed(detail);
}

function outcomeOfThrown(thrown: unknown): DeliveryOutcome {
  const error = errorOf(thrown);
  const { code, retriable } = error;
  const told = { code, message: scrub(error.message), retriable };
  if (!retriable) return { type: 'fail', error: told };

  const { retryAfterMs } = error.facts;
  return typeof retryAfterMs === 'number'
    ? { type: 'retry', error: told, retryAfterMs }
    : { type: 'retry', error: told };
}

function afterAbort(outcome: DeliveryOutcome, signal: AbortSignal): DeliveryOutcome | undefined {
  switch (abortKind(signal)) {
    case undefined:
    case 'late':
      return outcome;
    case 'taken':
      // Delivered all the same: taken as long as nobody else has claimed it, and put aside otherwise.
      return outcome.type === 'delivered' ? outcome : undefined;
    case 'stopping':
      return outcome.type === 'delivered' ? outcome : { type: 'release' };
  }
}
