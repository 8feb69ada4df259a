// The daemon's log: JSON lines in a file that stays small, people's lines on a terminal, and no secret in either.
import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { expect, test } from 'vitest';

import { createLogFile } from '../../src/cli/log-file.ts';
import { followLog, lastLines } from '../../src/cli/log-reader.ts';
import { createLog } from '../../src/cli/log.ts';
import { collapseRepeats, type Entry } from '../../src/cli/repeats.ts';
import { secretValues } from '../../src/cli/secret-values.ts';
import { createRedactor } from '../../src/core/redact.ts';
import { freshFolder } from '../support/folder.ts';
import { until } from '../support/until.ts';

const file = (home: string) => path.join(home, 'logs', 'nightshift.log');

async function logged(home: string): Promise<Record<string, unknown>[]> {
  const text = await readFile(file(home), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

function logIn(
  home: string,
  { secrets = [], level = 'info' as const }: { secrets?: string[]; level?: 'info' } = {},
) {
  const said: string[] = [];
  const redactor = createRedactor();
  for (const secret of secrets) redactor.register(secret);
  const folder = path.join(home, 'logs');

  return { said, log: createLog({ level, folder, say: (line) => said.push(line), redactor }) };
}

test('writes JSON with level and time to the file, and warnings for people to the terminal', async () => {
  await using home = await freshFolder();
  const { log, said } = logIn(home.path);

  log.debug('too much');
  log.info('a run was settled', { runId: 7 });
  log.warn('the disk\u001b[2J fills', { free: 3 });

  expect(await logged(home.path)).toEqual([
    { level: 'info', time: expect.stringMatching(/^\d{4}-/), msg: 'a run was settled', runId: 7 },
    { level: 'warn', time: expect.any(String), msg: 'the disk\u001b[2J fills', free: 3 },
  ]);
  expect(said).toEqual(['nightshift: warn: the disk fills free=3']);
  expect((await stat(file(home.path))).mode & 0o777).toBe(0o600);
});

test('a planted secret gets neither into the file nor to the terminal', async () => {
  await using home = await freshFolder();
  const token = '987654:AAHplanted-token';
  const { log, said } = logIn(home.path, { secrets: [token, 'planted-key-1'] });
  const cause = new Error(`POST https://api.telegram.org/bot${token}/sendMessage`);

  log.error(`the provider said: planted-key-1 is wrong`, {
    error: new Error('failed', { cause }),
    deep: [{ deeper: { note: 'planted-key-1' } }],
  });

  const text = (await readFile(file(home.path), 'utf8')) + said.join();
  expect(text).not.toMatch(/planted/);
  expect(text).toContain('the provider said: (hidden) is wrong');
});

test('every secret of the configuration counts, with the password in an address', async () => {
  await using home = await freshFolder();
  await mkdir(path.join(home.path, 'postgres'));
  await writeFile(path.join(home.path, 'postgres', 'owner.password'), 'from-the-file\n');

  const values = secretValues(home.path, {
    OPENAI_API_KEY: 'sk-1',
    NEW_AND_UNKNOWN: 'who-knows',
    DATABASE_URL: 'postgres://me:p%40ss-word@db/x',
    OPENAI_BASE_URL: 'http://127.0.0.1:11434/v1',
    TELEGRAM_CHAT_IDS: '123456',
  });

  expect(values).toEqual([
    'sk-1',
    'who-knows',
    'postgres://me:p%40ss-word@db/x',
    'p%40ss-word',
    'p@ss-word',
    'from-the-file\n',
  ]);
});

test('turns files over before they grow too large, and keeps so many', async () => {
  await using home = await freshFolder();
  const logFile = createLogFile({ folder: path.join(home.path, 'logs'), maxBytes: 100, keep: 2 });

  for (let number = 1; number <= 9; number += 1) logFile.write(`${`${number}`.repeat(39)}\n`);

  const names = await readdir(path.join(home.path, 'logs'));
  expect(names.toSorted()).toEqual(['nightshift.log', 'nightshift.log.1', 'nightshift.log.2']);
  expect(lastLines(home.path, 100).map((line) => line[0])).toEqual(['5', '6', '7', '8', '9']);
  expect(lastLines(home.path, 2).map((line) => line[0])).toEqual(['8', '9']);
});

test('goes on where the folder is taken away, and where it cannot be written', async () => {
  await using home = await freshFolder();
  await writeFile(path.join(home.path, 'logs'), 'a file in the way');
  const logFile = createLogFile({ folder: path.join(home.path, 'logs') });
  logFile.write('lost\n');
  await rename(path.join(home.path, 'logs'), path.join(home.path, 'other'));

  logFile.write('kept\n');

  expect(await readFile(file(home.path), 'utf8')).toBe('kept\n');
});

function collapsing() {
  const written: Entry[] = [];
  const clock = { now: 0 };
  const repeats = collapseRepeats(
    (entry) => written.push(entry),
    () => clock.now,
  );
  const say = (message: string, fields = {}) => repeats.take({ level: 'warn', message, fields });

  return { written, clock, repeats, say, texts: () => written.map(({ message }) => message) };
}

test('says a line once, and then how often it came again', () => {
  const { say, clock, texts, written } = collapsing();
  for (let count = 0; count <= 40; count += 1) {
    say('no database', { waitMs: count });
    say('no poll');
  }
  expect(texts()).toEqual(['no database', 'no poll']);

  clock.now = 61_000;
  say('no database', { waitMs: 9 });

  expect(texts().slice(2)).toEqual([
    'no database (repeated 40 times)',
    'no poll (repeated 40 times)',
    'no database',
  ]);
  expect(written[2]?.fields).toMatchObject({ repeated: 40 });
});

test('lines that differ in a fact are different lines', () => {
  const { say, texts, repeats } = collapsing();

  say('a run was settled', { runId: 1 });
  say('a run was settled', { runId: 2 });
  repeats.flush();

  expect(texts()).toEqual(['a run was settled', 'a run was settled']);
});

test('tells at the end what it had not told yet', () => {
  const { say, texts, repeats } = collapsing();
  say('again');
  say('again');

  repeats.flush();

  expect(texts()).toEqual(['again', 'again (repeated once more)']);
});

test('follows the log into its next file, and loses no line', async () => {
  await using home = await freshFolder();
  const logFile = createLogFile({ folder: path.join(home.path, 'logs'), maxBytes: 200 });
  logFile.write('before\n');
  const seen: string[] = [];
  using stop = new DisposableStack();
  const controller = new AbortController();
  stop.defer(() => controller.abort());
  const following = followLog(home.path, (line) => seen.push(line), controller.signal);

  const wanted = Array.from({ length: 12 }, (_, at) => `line ${at} ${'x'.repeat(20)}`);
  for (const line of wanted.slice(0, 9)) logFile.write(`${line}\n`);
  await until(() => seen.length === 9);
  for (const line of wanted.slice(9)) logFile.write(`${line}\n`);
  await until(() => seen.length === 12);
  controller.abort();
  await following;

  expect(seen).toEqual(wanted);
});
