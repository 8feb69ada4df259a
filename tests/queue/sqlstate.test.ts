// What a database refuses, and what it only cannot do now: the one is told to the caller, the other is tried again.
import { expect, test } from 'vitest';

import { type AppError, appError } from '../../src/core/errors.ts';
import type { Transport } from '../../src/queue/functions.ts';
import { functions } from '../../src/queue/functions.ts';
import { fromDatabase } from '../../src/queue/sqlstate.ts';
import { watchTransport } from '../../src/queue/watch.ts';

const thrown = (code: string | undefined): AppError =>
  fromDatabase(Object.assign(new Error('no'), code && { code }), 'beat');

test.each([
  ['a full disk', '53100'],
  ['no connection left', '53300'],
  ['no memory left', '53200'],
  ['a server that ends', '57P01'],
  ['a server that starts', '57P03'],
  ['a disk that fails', '58030'],
  ['a connection that breaks', '08006'],
  ['a deadlock', '40P01'],
  ['a login that is turned away', '28P01'],
  ['a database that is gone', '3D000'],
  ['a damaged page', 'XX001'],
  ['no answer at all', undefined],
])('%s (%s) passes by itself', (_, code) => {
  expect(thrown(code)).toMatchObject({ code: 'database_unavailable', retriable: true });
});

test.each(['23505', '42883', '22P02', 'XX000'])('%s is a refusal', (code) => {
  expect(thrown(code)).toMatchObject({ code: 'database_failed', retriable: false });
});

test('a watched transport hears when the database is away, and when it writes again', async () => {
  const heard: string[] = [];
  let failure: Error | null = appError('database_unavailable', { detail: 'the disk is full' });
  const inner: Transport = {
    async call() {
      if (failure !== null) throw failure;
      return {};
    },
  };
  const { call } = watchTransport(inner, {
    answered: () => heard.push('answered'),
    failed: (message) => heard.push(message),
  });

  await expect(call(functions.beat, {})).rejects.toBe(failure);
  failure = appError('task_not_found');
  await expect(call(functions.cancelTask, {})).rejects.toBe(failure);
  failure = null;
  // Reading proves nothing: a full disk can still be read.
  await call(functions.readState, {});
  await call(functions.beat, {});

  expect(heard).toEqual(['The database does not answer: the disk is full', 'answered']);
});
