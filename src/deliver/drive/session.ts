// One delivery's dealings with Google: its client, its patience, and how its calls are made and checked.
import type { z } from 'zod';

import { appError } from '../../core/errors.ts';
import { type DriveClient, dropToken } from './client.ts';
import { type Circumstances, judge } from './faults.ts';
import { type Patience, withRetries } from './retry.ts';

export type Session = {
  client: DriveClient;
  patience: Patience;
  circumstances: Omit<Circumstances, 'call'>;
};

type Request<Shape extends z.ZodType> = {
  /** Such as `files.create`, for messages. */
  name: string;
  shape: Shape;
  /** How much is sent. */
  bytes?: number;
  /** One try, counted from 0. */
  send(signal: AbortSignal, tryNumber: number): Promise<{ data: unknown }>;
};

/** Makes a call until it is answered. Rejects with the abort's reason or an AppError that says what to do. */
export async function ask<Shape extends z.ZodType>(
  { client, patience, circumstances }: Session,
  { name, shape, bytes = 0, send }: Request<Shape>,
): Promise<z.infer<Shape>> {
  return await withRetries(patience, {
    name,
    bytes,
    judge: (thrown) => judge(thrown, { ...circumstances, call: name }),
    renew: () => dropToken(client.auth),
    async attempt(tryNumber, signal) {
      const { data } = await send(signal, tryNumber);
      return checked(shape, data, name);
    },
  });
}

/** Throws `drive_garbled`, which is tried again: proxies and cut connections garble replies. */
export function checked<Shape extends z.ZodType>(
  shape: Shape,
  data: unknown,
  call: string,
): z.infer<Shape> {
  const parsed = shape.safeParse(data);
  if (parsed.success) return parsed.data;

  const fields = parsed.error.issues.map(({ path }) => path.join('.') || 'the whole reply');
  throw appError('drive_garbled', { call, detail: `${call} (${fields.slice(0, 3).join(', ')})` });
}
