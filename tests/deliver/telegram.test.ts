// The Telegram sink: what it tells whom, in what parts, and that it tells it once.
import { FormattedString } from '@grammyjs/parse-mode';
import { describe, expect, test } from 'vitest';

import { agentNames } from '../../src/core/task.ts';
import { splitText } from '../../src/deliver/telegram/text.ts';
import { sinkContract } from '../contracts/sinks.ts';
import { completeRun, failedRun, taskId } from './deliveries.ts';
import { context, newsTo, telegramPlace } from './telegram-sink.ts';

sinkContract('telegram', {
  readsFiles: false,
  async open() {
    const place = await telegramPlace();

    return {
      sink: place.start(),
      async shown() {
        const texts = place.server.messages.map(({ text, file }) => text ?? file?.text ?? '');
        return texts.length === 0 ? {} : { 'chat 42': texts.join('\n') };
      },
      [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
    };
  },
});

const driveFolder = 'https://drive.google.com/drive/folders/abc';

describe('the message', () => {
  test('tells title, outcome, duration, cost, a line of each agent and the link', async () => {
    await using place = await telegramPlace();

    await place.start().deliver(newsTo('42', { folderUrl: driveFolder }), context);

    expect(place.server.messages.map((message) => message.text?.split('\n'))).toEqual([
      [
        '✅ Autumn launch',
        'Complete: 7 of 7 agents',
        'Duration 12 min 3 s, cost $0.70',
        '',
        ...['Vision', 'Apex', 'Nova', 'Echo', 'Pixel', 'Reel', 'Social'].map(
          (agent) => `${agent}: What ${agent.toLowerCase()} found out.`,
        ),
        '',
        'Results: open the folder',
      ],
    ]);
  });

  test('marks title, agents and link by entities, and opens the folder by a button', async () => {
    await using place = await telegramPlace();
    const runs = [completeRun('echo', { summary: 'Use <b>bold</b> and _lines_ *here*' })];

    await place.start().deliver(newsTo('42', { folderUrl: driveFolder, runs }), context);

    const [message] = place.server.messages;
    const marked = message?.entities.map(({ type, offset, length, url }) => [
      type,
      message.text?.slice(offset, offset + length),
      url,
    ]);
    expect(marked).toEqual([
      ['bold', 'Autumn launch', undefined],
      ['bold', 'Echo', undefined],
      ['text_link', 'open the folder', driveFolder],
    ]);
    expect(message?.text).toContain('Echo: Use <b>bold</b> and _lines_ *here*');
    expect(message?.reply_markup.inline_keyboard).toEqual([[{ text: 'Open', url: driveFolder }]]);
  });

  test('names each agent that failed, and why', async () => {
    await using place = await telegramPlace();
    const failures = [failedRun('apex', 'No answer'), failedRun('nova', 'No CSV')];
    const runs = [completeRun('vision'), ...failures];

    await place.start().deliver(newsTo('42', { outcome: 'partial', runs }), context);

    expect(place.server.messages[0]?.text).toContain(
      '⚠️ Autumn launch\nDone with warnings: 1 of 3 agents, without Apex and Nova\n' +
        'Apex failed: No answer\nNova failed: No CSV\n',
    );
  });

  test('tells a failed task with its one reason, and that nothing could be published', async () => {
    await using place = await telegramPlace();
    const runs = agentNames.map((agent) => failedRun(agent, 'The key was refused'));

    await place.start().deliver(newsTo('42', { outcome: 'failed', runs }), context);

    expect(place.server.messages[0]?.text).toMatch(
      /^❌ Autumn launch\nFailed: 0 of 7 agents, each for the same reason: The key was refused\n/,
    );
    expect(place.server.messages[0]?.text).toMatch(/Results: no folder could be published$/);
  });

  test('says that the cost is unknown where it is', async () => {
    await using place = await telegramPlace();

    const runs = [completeRun('echo', { usage: null })];
    await place.start().deliver(newsTo('42', { runs }), context);

    expect(place.server.messages[0]?.text).toContain('cost unknown');
  });

  test('shows a local folder as its path, with no button that would open nothing', async () => {
    await using place = await telegramPlace();

    const folderUrl = 'file:///home/me/outputs/task%20one/';
    await place.start().deliver(newsTo('42', { folderUrl }), context);

    const [message] = place.server.messages;
    expect(message?.text).toMatch(/Results: \/home\/me\/outputs\/task one\/$/);
    expect(message?.entities.at(-1)?.type).toBe('code');
    expect(message?.reply_markup.inline_keyboard).toEqual([]);
  });

  test.each(['http://localhost:4317/x', 'http://nas/x', 'https://drive.example/%0A'])(
    'takes %s as the folder',
    async (folderUrl) => {
      await using place = await telegramPlace();

      const outcome = await place.start().deliver(newsTo('42', { folderUrl }), context);

      expect(outcome.type).toBe('delivered');
      expect(place.server.count('sendMessage')).toBe(1);
    },
  );

  test.each([
    ['partial', true, [[{ text: 'Retry', callback_data: `retry:${taskId}` }]]],
    ['complete', true, []],
    ['partial', false, []],
  ] as const)('a %s task, bot listening: %s, has the buttons %j', async (outcome, isHeard, row) => {
    await using place = await telegramPlace();

    await place.start({ isHeard }).deliver(newsTo('42', { outcome }), context);

    expect(place.server.messages[0]?.reply_markup.inline_keyboard).toEqual(row);
  });
});

describe('a long message', () => {
  const manyRuns = (count: number) =>
    Array.from({ length: count }, (_, at) =>
      completeRun(`agent${at}`, { summary: '🦊'.repeat(200) }),
    );

  test('is split at line ends, entities and emoji whole, with buttons under the last part', async () => {
    await using place = await telegramPlace();

    const news = newsTo('42', { runs: manyRuns(22), folderUrl: driveFolder });
    const outcome = await place.start().deliver(news, context);

    const { messages } = place.server;
    expect(messages.length).toBe(3);
    const lines = messages.flatMap((message) => message.text?.split('\n') ?? []);
    expect(lines.filter((line) => line.startsWith('Agent'))).toHaveLength(22);
    const bold = messages.flatMap(({ text, entities }) =>
      entities.map(({ offset, length }) => text?.slice(offset, offset + length)),
    );
    expect(bold).toContain('Agent21');
    expect(messages.map((message) => message.reply_markup.inline_keyboard.length)).toEqual([
      0, 0, 1,
    ]);
    const ids = messages.map((message) => message.message_id);
    expect(outcome).toMatchObject({ type: 'delivered', result: { messages: { 42: ids } } });
  });

  test('that has no line end to cut at is cut between characters, its entities too', () => {
    const whole = FormattedString.b(`x${'🦊'.repeat(3_000)}`);

    const parts = splitText(whole);

    expect(parts.map(({ rawText }) => rawText.length)).toEqual([4_095, 1_906]);
    expect(parts.every(({ rawText }) => rawText.isWellFormed())).toBe(true);
    expect(parts.map(({ entities }) => entities)).toEqual([
      [{ type: 'bold', offset: 0, length: 4_095 }],
      [{ type: 'bold', offset: 0, length: 1_906 }],
    ]);
  });

  test('that would take many messages is attached as a file', async () => {
    await using place = await telegramPlace();

    const runs = manyRuns(40);
    const outcome = await place.start().deliver(newsTo('42', { runs }), context);

    const [text, file, ...others] = place.server.messages;
    expect(text?.text).toMatch(/^✅ Autumn launch\n/);
    expect(file?.file).toMatchObject({ name: 'message.txt' });
    expect(file?.file?.text).toContain('Agent39: 🦊');
    expect(others).toEqual([]);
    expect(outcome.type).toBe('delivered');
  });

  test('goes on after the part that was recorded', async () => {
    await using place = await telegramPlace();
    const news = newsTo('42', { runs: manyRuns(22) });
    place.server.fail('sendMessage', { type: 'held', until: Promise.resolve() });
    place.server.fail('sendMessage', { type: 'cut' });

    const first = await place.start().deliver(news, context);
    const second = await place.start().deliver({ ...news, attempt: 2 }, context);

    expect([first.type, second.type]).toEqual(['retry', 'delivered']);
    expect(place.server.messages.map(({ text }) => text?.startsWith('✅'))).toEqual([
      true,
      false,
      false,
    ]);
  });
});

test('tells each allowed chat, and keeps the ids of the messages by chat', async () => {
  await using place = await telegramPlace();
  const sink = place.start({ chatIds: ['42', '-100200'] });

  const outcome = await sink.deliver(newsTo('-100200'), context);
  await sink.deliver(newsTo('42', {}, { id: 2 }), context);

  expect(sink).toMatchObject({ name: 'telegram', stage: 1, targets: ['42', '-100200'] });
  expect(place.server.messages.map((message) => message.chat_id)).toEqual(['-100200', '42']);
  expect(outcome).toEqual({ type: 'delivered', result: { messages: { '-100200': [1000] } } });
});

test('refuses a chat that is not allowed any more, without a word to it', async () => {
  await using place = await telegramPlace();

  const outcome = await place.start().deliver(newsTo('666'), context);

  expect(outcome).toMatchObject({ type: 'fail', error: { code: 'chat_refused' } });
  expect(place.server.journal).toEqual([]);
});
