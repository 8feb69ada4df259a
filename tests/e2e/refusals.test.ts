// What the command line refuses: in words that help, with the right exit code, and with nothing queued.
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { agentNames } from '../../src/core/task.ts';
import type { TestDatabase } from '../support/cluster.ts';
import { type Home, temporaryHome } from '../support/daemon.ts';
import { freshDatabase } from '../support/database.ts';

const text = 'We launch a refill subscription in March.';

describe('briefs', () => {
  let db: TestDatabase;
  let home: Home;

  beforeAll(async () => {
    db = await freshDatabase();
    // With a database of its own, the command line needs no daemon to queue a task.
    home = await temporaryHome({ DATABASE_URL: db.adminUrl });
  });

  afterAll(async () => {
    await home[Symbol.asyncDispose]();
    await db[Symbol.asyncDispose]();
  });

  test('with an agent that is not there: the valid names are told', async () => {
    const { code, stdout, stderr } = await home.run('submit', 'A', text, '--agents', 'echo,ecko');

    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('"ecko"');
    for (const agent of agentNames) expect(stderr).toContain(agent);
  });

  test('without any text', async () => {
    const empty = await home.run('submit', 'A', '  ');
    const none = await home.run('submit');

    expect(empty).toMatchObject({ code: 2, stdout: '' });
    expect(empty.stderr).toContain('description: must not be empty');
    expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining('nightshift submit') });
  });

  test('of 5 MB: the limit, the length and the way out are told', async () => {
    const brief = { title: 'Long', description: 'a long story '.repeat(400_000) };
    const file = await home.write('long.json', JSON.stringify(brief));

    const { code, stderr } = await home.run('submit', '--file', file);

    expect(code).toBe(2);
    expect(stderr).toMatch(/description: is too long: at most 100000 characters.* attach/);
    expect(stderr.length).toBeLessThan(1_000);
  });

  test('with several faults: all are told at once', async () => {
    const brief = ['title: A', 'descripton: x', 'objective: fame', 'markets: US', 'priority: 7'];
    const file = await home.write('faults.yaml', brief.join('\n'));

    const { code, stderr } = await home.run('submit', '--file', file, '-a', 'photo.bmp');

    expect(code).toBe(2);
    for (const told of [
      'did you mean description',
      'objective',
      'markets',
      'priority',
      'photo.bmp',
    ])
      expect(stderr).toContain(told);
  });

  test('that are no text, no YAML, or not there', async () => {
    const broken = await home.write('broken.yaml', 'title: [unclosed');

    const answers = [
      await home.run('submit', '--file', broken),
      await home.run('submit', '--file', 'missing.yaml'),
      await home.run('submit', '--file', process.execPath),
    ];

    expect(answers.map(({ code, stdout }) => [code, stdout])).toEqual([
      [2, ''],
      [2, ''],
      [2, ''],
    ]);
    expect(answers[0]?.stderr).toContain('line 1');
  });

  test('with --json, the refusal is one line of JSON on stderr', async () => {
    const { code, stdout, stderr } = await home.run('submit', 'A', ' ', '--json');

    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'brief_invalid' } });
  });

  test('of which there is none by that id', async () => {
    const { code, stderr } = await home.run('status', 'abcd1234');

    expect(code).toBe(1);
    expect(stderr).toContain('none begins with abcd1234');
  });

  test('and none of these was queued', async () => {
    expect(await db.sql('select title from tasks')).toEqual([]);
  });
});

describe('commands', () => {
  test('of a daemon that was killed: it is said that it ended', async () => {
    await using db = await freshDatabase();
    await using home = await temporaryHome();
    const daemon = await home.start({ args: ['--no-sample'], env: { DATABASE_URL: db.adminUrl } });
    const alive = await home.run('list');
    await daemon.murder();

    const { code, stderr } = await home.run('list');

    expect(alive).toMatchObject({ code: 1, stderr: expect.stringContaining('DATABASE_URL') });
    expect(code).toBe(1);
    expect(stderr).toContain(`pid ${daemon.pid}`);
  });

  test('on a bad configuration: every fault at once, no secret among them, exit 78', async () => {
    const secret = 'postgres://me:hunter2hunter2@';
    await using home = await temporaryHome({ NIGHTSHIFT_POLL_MINUTS: '5', DATABASE_URL: secret });
    await mkdir(home.path);
    await writeFile(path.join(home.path, 'config.yaml'), 'poll:\n  minutes: soon\nlogg: {}\n');

    const start = await home.run('start', '--set', 'concurrency.runs=1000');

    expect(start).toMatchObject({ code: 78, stdout: '' });
    const told = ['poll.minutes', 'soon', 'logg', 'NIGHTSHIFT_POLL_MINUTS', 'did you mean'];
    for (const one of [...told, 'concurrency.runs', 'DATABASE_URL'])
      expect(start.stderr).toContain(one);
    expect(start.stderr).not.toContain('hunter2');
  });
});
