// The Telegram sink when things go wrong: retries, refusals, crashes, and a token that never shows.
import { inspect } from 'node:util';

import { describe, expect, test } from 'vitest';

import { appError } from '../../src/core/errors.ts';
import { redact } from '../../src/deliver/telegram/faults.ts';
import { plantedToken, type Fault } from '../support/telegram-server.ts';
import { until } from '../support/until.ts';
import { contextOf } from './deliveries.ts';
import { context, newsTo, telegramPlace } from './telegram-sink.ts';

const refusal = (code: number, description: string, parameters = {}): Fault => ({
  type: 'error',
  code,
  description,
  parameters,
});

describe('what may pass', () => {
  test.each<[string, Fault]>([
    ['a 500', refusal(500, 'Internal Server Error')],
    ['a page of a proxy', { type: 'garbage' }],
    ['a cut connection', { type: 'cut' }],
  ])('%s is tried again', async (_name, fault) => {
    await using place = await telegramPlace();
    place.server.fail('sendMessage', fault);

    const outcome = await place.start().deliver(newsTo('42'), context);

    expect(outcome).toMatchObject({
      type: 'retry',
      error: { code: 'delivery_failed', retriable: true },
    });
    expect(place.server.messages).toEqual([]);
  });

  test('a server that hangs is given up after the time limit', async () => {
    await using place = await telegramPlace();
    place.server.fail('sendMessage', { type: 'hang' });

    const outcome = await place.start({ timeoutSeconds: 0.1 }).deliver(newsTo('42'), context);

    expect(outcome).toMatchObject({ type: 'retry' });
  });

  test('a server that is not there is tried again', async () => {
    await using place = await telegramPlace();

    const apiRoot = 'http://127.0.0.1:1';
    const outcome = await place.start({ apiRoot }).deliver(newsTo('42'), context);

    expect(outcome).toMatchObject({ type: 'retry' });
  });

  test('a short wait that Telegram asks for is waited', async () => {
    await using place = await telegramPlace();
    const waits: number[] = [];
    const clock = {
      now: Date.now,
      monotonic: () => 0,
      delay: async (ms: number) => void waits.push(ms),
    };
    place.server.fail('sendMessage', refusal(429, 'Too Many Requests', { retry_after: 3 }));

    const outcome = await place.start({ clock }).deliver(newsTo('42'), context);

    expect(outcome.type).toBe('delivered');
    expect(waits).toEqual([3_000]);
  });

  test('a long wait is handed to the queue', async () => {
    await using place = await telegramPlace();
    place.server.fail('sendMessage', refusal(429, 'Too Many Requests', { retry_after: 35 }));

    const outcome = await place.start().deliver(newsTo('42'), context);

    expect(outcome).toMatchObject({ type: 'retry', retryAfterMs: 35_000 });
    expect(place.server.count('sendMessage')).toBe(1);
  });
});

describe('what stays', () => {
  test.each(['blocked', 'unknown'] as const)(
    'a chat that is %s fails at once, and is left alone until the next start',
    async (why) => {
      await using place = await telegramPlace();
      place.server.close('42', why);
      const sink = place.start({ chatIds: ['42', '43'] });

      const first = await sink.deliver(newsTo('42'), context);
      const second = await sink.deliver(newsTo('42', {}, { id: 2 }), context);
      const other = await sink.deliver(newsTo('43', {}, { id: 3 }), context);

      expect(first).toMatchObject({ type: 'fail', error: { code: 'chat_refused' } });
      expect(second).toMatchObject({ type: 'fail', error: { code: 'chat_refused' } });
      expect(other.type).toBe('delivered');
      expect(place.server.count('sendMessage')).toBe(2);
      expect(place.log.filter((line) => line.level === 'warn')).toHaveLength(2);
    },
  );

  test('a token that Telegram does not know fails at once, and says where it belongs', async () => {
    await using place = await telegramPlace();

    const token = '1:another-token-that-nobody-knows-000';
    const outcome = await place.start({ token }).deliver(newsTo('42'), context);

    expect(outcome).toMatchObject({
      type: 'fail',
      error: {
        code: 'telegram_unauthorized',
        message: expect.stringContaining('TELEGRAM_BOT_TOKEN'),
      },
    });
  });

  test('a message that Telegram refuses fails at once, and leaves the chat open', async () => {
    await using place = await telegramPlace();
    place.server.fail('sendMessage', refusal(400, 'Bad Request: something new'));
    place.server.fail('sendMessage', refusal(400, 'Bad Request: something new'));
    const sink = place.start();

    const first = await sink.deliver(newsTo('42'), context);
    const second = await sink.deliver(newsTo('42', {}, { id: 2 }), context);

    expect(first).toMatchObject({ type: 'fail', error: { code: 'message_refused' } });
    expect(second.type).toBe('delivered');
  });

  test('a link that Telegram refuses does not cost the news', async () => {
    await using place = await telegramPlace();
    place.server.fail('sendMessage', refusal(400, 'Bad Request: BUTTON_URL_INVALID'));

    const news = newsTo('42', { folderUrl: 'https://a.strange.address/' });
    const outcome = await place.start().deliver(news, context);

    expect(outcome.type).toBe('delivered');
    expect(place.server.messages).toMatchObject([
      { entities: [], reply_markup: { inline_keyboard: [] } },
    ]);
  });

  test('a group that became a supergroup is followed', async () => {
    await using place = await telegramPlace();
    place.server.close('-42', { movedTo: '-100777' });

    const outcome = await place.start({ chatIds: ['-42'] }).deliver(newsTo('-42'), context);

    expect(outcome).toEqual({ type: 'delivered', result: { messages: { '-42': [1000] } } });
    expect(place.server.messages[0]?.chat_id).toBe('-100777');
    expect(place.log[0]?.fields).toMatchObject({ movedTo: '-100777' });
  });
});

describe('one message', () => {
  test('is not sent again after a crash behind its recording', async () => {
    await using place = await telegramPlace();
    await place.start().deliver(newsTo('42'), context);

    const outcome = await place.start().deliver(newsTo('42', {}, { attempt: 2 }), context);

    expect(outcome).toEqual({ type: 'delivered', result: { messages: { 42: [1000] } } });
    expect(place.server.messages).toHaveLength(1);
  });

  test('is recorded before the next chat is told', async () => {
    await using place = await telegramPlace();
    const orders: number[] = [];
    const recordDelivery = async () => {
      orders.push(place.server.messages.length);
      return 'ok' as const;
    };
    const journal = { ...place.journal, recordDelivery };

    const chatIds = ['42', '43', '44'];
    await place.start({ chatIds, journal }).deliver(newsTo(null), context);

    expect(orders).toEqual([1, 2, 3]);
  });

  test('reaches only the chats that have none when some were told before the crash', async () => {
    await using place = await telegramPlace();
    const chatIds = ['42', '43'];
    place.journal.rows.set(1, { messages: { 42: [7] } });

    const outcome = await place.start({ chatIds }).deliver(newsTo(null), context);

    expect(outcome).toEqual({ type: 'delivered', result: { messages: { 42: [7], 43: [1000] } } });
    expect(place.server.messages.map((message) => message.chat_id)).toEqual(['43']);
  });

  test('that cannot be recorded is told with the outcome, and nobody else is told before that', async () => {
    await using place = await telegramPlace();
    const recordDelivery = () => Promise.reject(appError('database_unavailable'));
    const journal = { ...place.journal, recordDelivery };
    const chatIds = ['42', '43'];

    const outcome = await place.start({ chatIds, journal }).deliver(newsTo(null), context);

    expect(outcome).toMatchObject({ type: 'retry', result: { messages: { 42: [1000] } } });
    expect(place.server.messages).toHaveLength(1);
  });

  test('is not sent at all while it is not known what was sent before', async () => {
    await using place = await telegramPlace();
    const readDeliveryResult = () => Promise.reject(appError('database_unavailable'));
    const journal = { ...place.journal, readDeliveryResult };

    const outcome = await place.start({ journal }).deliver(newsTo('42'), context);

    expect(outcome).toMatchObject({ type: 'retry', error: { code: 'database_unavailable' } });
    expect(place.server.journal).toEqual([]);
  });

  test('whose answer was lost is sent again: the Bot API cannot tell whether it arrived', async () => {
    await using place = await telegramPlace();
    place.server.fail('sendMessage', { type: 'lost' });

    const first = await place.start().deliver(newsTo('42'), context);
    const second = await place.start().deliver(newsTo('42', {}, { attempt: 2 }), context);

    expect([first.type, second.type]).toEqual(['retry', 'delivered']);
    expect(place.server.messages).toHaveLength(2);
  });

  test('on its way when the daemon stops is waited for and recorded', async () => {
    await using place = await telegramPlace();
    const answer = Promise.withResolvers<void>();
    const abort = new AbortController();
    place.server.fail('sendMessage', { type: 'held', until: answer.promise });

    const delivered = place.start().deliver(newsTo('42'), contextOf([], { signal: abort.signal }));
    await until(() => place.server.messages.length === 1);
    abort.abort(new Error('stopping'));
    answer.resolve();

    expect(await delivered).toMatchObject({ type: 'delivered' });
    expect(place.journal.rows.get(1)).toEqual({ messages: { 42: [1000] } });
  });

  test('that hangs when the daemon stops is given up soon, with the reason of the stop', async () => {
    await using place = await telegramPlace();
    const abort = new AbortController();
    const clock = { now: Date.now, monotonic: () => 0, delay: async () => undefined };
    place.server.fail('sendMessage', { type: 'hang' });

    const delivered = place
      .start({ clock })
      .deliver(newsTo('42'), contextOf([], { signal: abort.signal }));
    delivered.catch(() => undefined);
    await until(() => place.server.count('sendMessage') === 1);
    abort.abort(new Error('stopping'));

    await expect(delivered).rejects.toThrow('stopping');
  });
});

describe('the token', () => {
  test.each<[string, Fault, Record<string, unknown>]>([
    ['a cut connection', { type: 'cut' }, {}],
    ['a page of a proxy', { type: 'garbage' }, {}],
    ['a server that hangs', { type: 'hang' }, { timeoutSeconds: 0.1 }],
    ['no server', { type: 'cut' }, { apiRoot: 'http://127.0.0.1:1' }],
    ['an answer that echoes it', refusal(403, `Bad Request: /bot${plantedToken}/x`), {}],
    ['an answer that echoes half', refusal(500, `for ${plantedToken.slice(11)}`), {}],
  ])('shows nowhere after %s', async (_name, fault, more) => {
    await using place = await telegramPlace();
    place.server.fail('sendMessage', fault);

    const outcome = await place.start(more).deliver(newsTo('42'), context);

    const seen = inspect([outcome, place.log, [...place.journal.rows]], { depth: 20 });
    expect(outcome.type).not.toBe('delivered');
    expect(place.log.length).toBeGreaterThan(0);
    expect(seen).not.toContain('PLANTED');
    expect(decodeURIComponent(seen)).not.toContain(plantedToken);
  });

  test.each([plantedToken, encodeURIComponent(plantedToken), '99:someone-elses_token'])(
    'is taken out of a text with %s',
    (echoed) => {
      const text = redact(`request to http://x/bot${echoed}/sendMessage failed`, plantedToken);

      expect(text).not.toMatch(/PLANTED|someone/);
    },
  );
});
