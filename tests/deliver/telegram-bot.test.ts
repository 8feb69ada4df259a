// The Telegram bot: commands and buttons of allowed people, each carried out once, by one program at a time.
import { inspect } from 'node:util';

import { describe, expect, test } from 'vitest';

import { appError } from '../../src/core/errors.ts';
import { telegramLeaseName } from '../../src/deliver/telegram-bot.ts';
import { completed, failed } from '../support/queue.ts';
import { plantedToken } from '../support/telegram-server.ts';
import { until } from '../support/until.ts';
import { botPlace, operationsOn, owner } from './telegram-bot-place.ts';

const conflict = {
  type: 'error',
  code: 409,
  description: 'Conflict: terminated by other getUpdates request',
} as const;

describe('commands', () => {
  test('/new hands in a task: the first line is its title, the rest its description', async () => {
    await using place = await botPlace();
    place.start();

    const answer = await place.ask('/new Spring sale\nSell the winter coats.\nBy May.');

    const [task] = await place.tasks();
    const [row] = await place.given.db.sql('select title, description, triggered_by from tasks');
    expect(row).toEqual({
      title: 'Spring sale',
      description: 'Sell the winter coats.\nBy May.',
      triggered_by: 'telegram',
    });
    expect(answer).toBe(`Task ${task?.id.slice(0, 8)} is in the queue: Spring sale`);
    expect(place.server.messages[0]?.reply_markup.inline_keyboard).toEqual([
      [{ text: 'Cancel', callback_data: `cancel:${task?.id}` }],
    ]);
  });

  test.each([
    ['/new Spring sale', 'Spring sale', 'Spring sale'],
    ['/new@night_bot  Spring sale \r\n\r\nWhy', 'Spring sale', 'Why'],
    [`/new ${'x'.repeat(400)}`, `${'x'.repeat(299)}…`, 'x'.repeat(400)],
  ])('%s makes a task', async (text, title, description) => {
    await using place = await botPlace();
    place.start();

    await place.ask(text);

    const rows = await place.given.db.sql('select title, description from tasks');
    expect(rows).toEqual([{ title, description }]);
  });

  test('/tasks lists tasks, /cancel and /retry take the first characters of an id', async () => {
    await using place = await botPlace();
    const { id } = await place.given.submit({ agents: ['echo'], maxRetries: 0 });
    place.start();

    expect(await place.ask('/tasks')).toBe(`${id.slice(0, 8)} pending (0 of 1): Spring sale`);
    expect(await place.ask(`/cancel ${id.slice(0, 8)}`)).toBe(
      `Task ${id.slice(0, 8)} is cancelled`,
    );
    expect(await place.ask('/tasks')).toBe(`${id.slice(0, 8)} cancelled: Spring sale`);
    expect(await place.ask(`/retry ${id.slice(0, 4)}`)).toBe(
      `Task ${id.slice(0, 8)} runs again: 1 agent`,
    );
    expect((await place.given.queue.readTask(id))?.status).toBe('pending');
  });

  test('/status tells what waits and runs', async () => {
    await using place = await botPlace();
    await place.given.submit({ agents: ['echo', 'nova'] });
    place.start();

    expect(await place.ask('/status')).toBe(
      'Agents: 0 running, 2 waiting\nTasks: 1 pending\nWorkers: 0\nLast poll: none',
    );
  });

  test.each([
    ['/help', /^\/new <text>/],
    ['/start', /^\/new <text>/],
    ['/sing', /^There is no \/sing/],
    ['hello', /^Commands begin with a slash/],
    ['/new', /^Write the task behind the command/],
    ['/cancel', /^Name the task/],
    ['/cancel zz', /not the id of a task/],
    ['/retry 01234567', /no such task/],
  ])('%s is answered', async (text, answer) => {
    await using place = await botPlace();
    place.start();

    expect(await place.ask(text)).toMatch(answer);
    expect(await place.tasks()).toEqual([]);
  });
});

describe('buttons', () => {
  test('carry out what they say, and tell it', async () => {
    await using place = await botPlace();
    const { id } = await place.given.submit({ agents: ['echo'] });
    place.start();

    place.server.inbox.press(owner, `cancel:${id}`);
    await until(() => place.server.count('answerCallbackQuery') === 1);
    place.server.inbox.press(owner, `retry:${id}`);
    await until(() => place.server.count('answerCallbackQuery') === 2);

    const told = place.server.journal.filter((entry) => entry.method === 'answerCallbackQuery');
    expect(told.map((entry) => entry.params['text'])).toEqual([
      `Task ${id.slice(0, 8)} is cancelled`,
      `Task ${id.slice(0, 8)} runs again: 1 agent`,
    ]);
  });

  test.each(['cancel:not-an-id', 'destroy:everything', 'retry:'])(
    'of another version do nothing: %s',
    async (pressed) => {
      await using place = await botPlace();
      place.start();

      place.server.inbox.press(owner, pressed);

      const answer = await until(() =>
        place.server.journal.find((entry) => entry.method === 'answerCallbackQuery'),
      );
      expect(answer.params['text']).toBe('This button is of another version');
    },
  );

  test('of a task that cannot be retried any more say so', async () => {
    await using place = await botPlace();
    const worker = await place.given.worker();
    const { id } = await place.given.submit({ agents: ['echo'], maxRetries: 0 });
    await worker.settle(...(await worker.claim()).map((run) => failed(run)));
    place.start();

    place.server.inbox.press(owner, `retry:${id}`);

    const answer = await until(() =>
      place.server.journal.find((entry) => entry.method === 'answerCallbackQuery'),
    );
    expect(answer.params['text']).toMatch(/cannot be retried/);
  });
});

test('a task that has ended cannot be cancelled, and the answer says so', async () => {
  await using place = await botPlace();
  const worker = await place.given.worker();
  const { id } = await place.given.submit({ agents: ['echo'] });
  await worker.settle(...(await worker.claim()).map(completed));
  place.start();

  expect(await place.ask(`/cancel ${id}`)).toMatch(/has already ended/);
});

describe('people', () => {
  test('who are not allowed get nothing, and are logged once', async () => {
    await using place = await botPlace();
    const { id } = await place.given.submit({ agents: ['echo'] });
    place.start();

    place.server.inbox.write(666, '/new Mine');
    place.server.inbox.write(666, '/help');
    place.server.inbox.press(666, `cancel:${id}`);
    await place.ask('/help');

    expect(place.server.messages).toHaveLength(1);
    expect(place.server.count('answerCallbackQuery')).toBe(0);
    expect((await place.tasks()).map((task) => task.status)).toEqual(['pending']);
    const lines = place.log.filter((line) => line.level === 'warn');
    expect(lines.map((line) => line.fields)).toEqual([{ userId: 666 }]);
  });
});

describe('each command', () => {
  test('is carried out once, though Telegram hands it out again', async () => {
    await using place = await botPlace();
    place.start();

    place.server.inbox.write(owner, '/new Spring sale', 900);
    await until(() => place.server.messages.length === 1);
    // Confirmed by the next poll, which would drop what comes before it.
    const { inbox } = place.server;
    await until(() => inbox.waiting().length === 0 && inbox.polling() === 1);
    inbox.write(owner, '/new Spring sale', 900);
    await until(() => place.server.messages.length === 2);

    expect(await place.tasks()).toHaveLength(1);
    const [first, second] = place.server.messages.map((message) => message.text);
    expect(second).toBe(first);
  });

  test('that was not answered when the bot died is dealt with after the next start', async () => {
    await using place = await botPlace();
    place.server.fail('sendMessage', { type: 'hang' });
    const bot = place.start();
    place.server.inbox.write(owner, '/new Spring sale');
    await until(() => place.server.count('sendMessage') === 1);

    await bot[Symbol.asyncDispose]();
    expect(place.server.inbox.waiting()).toHaveLength(1);
    place.start();

    await until(() => place.server.messages.length === 1);
    expect(await place.tasks()).toHaveLength(1);
  });

  test('waits for a database that is away', async () => {
    await using place = await botPlace();
    const real = operationsOn(place.given.queue);
    let calls = 0;
    const submit: typeof real.submit = async (task) => {
      calls += 1;
      if (calls < 3) throw appError('database_unavailable');
      return await real.submit(task);
    };
    place.start({ operations: { ...real, submit } });

    expect(await place.ask('/new Spring sale')).toMatch(/is in the queue/);
    expect(calls).toBe(3);
  });

  test('is confirmed to Telegram when the bot stops', async () => {
    await using place = await botPlace();
    const bot = place.start();
    await place.ask('/help');
    // The answer has been seen before the bot has seen that it arrived; then it asks for what comes next.
    await expect.poll(() => place.server.journal.at(-1)?.method).toBe('getUpdates');

    await bot[Symbol.asyncDispose]();

    expect(place.server.inbox.waiting()).toEqual([]);
    expect(place.server.journal.at(-1)).toMatchObject({
      method: 'getUpdates',
      params: { limit: 1 },
    });
  });
});

describe('one poller', () => {
  test('per bot: the second waits until the first has ended', async () => {
    await using place = await botPlace();
    const first = place.start();
    await place.ask('/help');
    place.start();
    await until(() => place.log.some((line) => line.message.startsWith('another Nightshift')));

    const polledBy = place.server.count('getMe');
    await first[Symbol.asyncDispose]();
    await place.ask('/help');

    expect(polledBy).toBe(1);
    expect(place.server.count('getMe')).toBe(2);
    expect(place.log.filter((line) => line.level === 'error')).toEqual([]);
  });

  test('stops when its lease has gone to another', async () => {
    await using place = await botPlace();
    place.start();
    await place.ask('/help');

    await place.given.db.sql(`update leases set holder = gen_random_uuid()`);

    await until(() => place.log.some((line) => line.message.startsWith('the lease on the bot')));
    await until(() => place.server.inbox.polling() === 0);
    const [row] = await place.given.db.sql('select name from leases');
    expect(row?.['name']).toBe(telegramLeaseName(plantedToken));
  });

  test('that is disturbed from elsewhere says so once, and backs off', async () => {
    await using place = await botPlace();
    for (let times = 0; times < 4; times += 1) place.server.fail('getUpdates', conflict);
    place.start();

    await place.ask('/help');

    const errors = place.log.filter((line) => line.level === 'error');
    expect(errors.map((line) => line.fields?.['code'])).toEqual(['telegram_conflict']);
    const backoff = [5_000, 10_000, 20_000, 40_000];
    expect(place.waits.filter((ms) => backoff.includes(ms))).toEqual(
      expect.arrayContaining(backoff),
    );
  });

  test('that finds a webhook names it, and leaves it', async () => {
    await using place = await botPlace();
    place.server.inbox.setWebhook();

    place.start();

    const line = await until(() => place.log.find(({ level }) => level === 'error'));
    expect(line.fields?.['reason']).toMatch(/webhook is active/);
    expect(place.server.count('deleteWebhook')).toBe(0);
  });
});

describe('faults', () => {
  test.each(['cut', 'garbage', 'lost'] as const)(
    'an answer after %s is sent again, and polling goes on',
    async (type) => {
      await using place = await botPlace();
      place.server.fail('getMe', { type });
      place.server.fail('getUpdates', { type });
      place.server.fail('sendMessage', { type });
      place.start();

      place.server.inbox.write(owner, '/help');

      await until(() => place.server.count('sendMessage') === 2);
      expect(await place.ask('/status')).toMatch(/^Agents/);
    },
  );

  test('a token that Telegram does not know ends the bot, once and for all', async () => {
    await using place = await botPlace();
    const token = '1:another-token-that-nobody-knows-000';

    const bot = place.start({ token });

    await until(() =>
      place.log.some((line) => JSON.stringify(line).includes('TELEGRAM_BOT_TOKEN')),
    );
    await bot[Symbol.asyncDispose]();
    expect(place.server.journal).toEqual([]);
  });

  test('the token shows in no line of the log and no row', async () => {
    await using place = await botPlace();
    for (const type of ['cut', 'garbage'] as const) {
      for (const method of ['getMe', 'getUpdates', 'sendMessage'])
        place.server.fail(method, { type });
    }
    place.start();
    await place.ask('/new Spring sale');

    const [rows] = await place.given.db.sql(`
      select (select json_agg(lease) from leases as lease) as leases, (select json_agg(task) from tasks as task) as tasks`);
    const seen = inspect([place.log, rows], { depth: 20 });
    expect(place.log.length).toBeGreaterThan(2);
    expect(seen).not.toMatch(/PLANTED/);
  });
});
