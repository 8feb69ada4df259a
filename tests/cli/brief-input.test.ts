// From the command line to a brief: files, attachments, times.
import { symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { expect, test } from 'vitest';

import { pointInTime, readBriefInput, SubmitOptions } from '../../src/cli/brief-input.ts';
import { Submission } from '../../src/operations/submit.ts';
import { freshFolder } from '../support/folder.ts';

const options = (given: Partial<SubmitOptions>) => SubmitOptions.parse(given);

test('takes a title alone as its own text, but not an empty text', () => {
  expect(readBriefInput('Launch', undefined, options({})).input).toMatchObject({
    description: 'Launch',
  });
  expect(readBriefInput('Launch', '', options({})).input).toMatchObject({ description: '' });
});

test('lets flags win over the file', async () => {
  await using folder = await freshFolder();
  const file = path.join(folder.path, 'brief.json');
  await writeFile(
    file,
    '{"title": "File", "description": "Text", "priority": "low", "agents": ["apex"]}',
  );

  const { input } = readBriefInput('Flag', undefined, options({ file, priority: 'high' }));

  expect(input).toEqual({ title: 'Flag', description: 'Text', priority: 'high', agents: ['apex'] });
});

// Nine lists of nine aliases each: ten lines that stand for nine to the power of nine items.
const bomb = Array.from({ length: 10 }, (_, at) => {
  const items = Array.from({ length: 9 }, () => (at === 0 ? 'x' : `*a${at - 1}`));
  return `a${at}: &a${at} [${items.join(', ')}]`;
}).join('\n');

test.each([
  ['broken.yaml', 'title: [a', /neither YAML nor JSON.*line 1/s],
  ['list.yaml', '- a', /must hold keys such as title/],
  ['alias.yaml', 'title: *nope', /brief is not valid: .*alias\.yaml.*nope/],
  ['bomb.yaml', bomb, /brief is not valid: .*bomb\.yaml.*alias/],
  ['absent.yaml', null, /ENOENT/],
  ['latin.yaml', Buffer.from([0x74, 0x3a, 0xe9]), /not text in UTF-8/],
])('refuses the brief file %s', async (name, content, message) => {
  await using folder = await freshFolder();
  const file = path.join(folder.path, name);
  if (content !== null) await writeFile(file, content);

  expect(() => readBriefInput(undefined, undefined, options({ file }))).toThrow(message);
});

test('attaches text, and says of each other file why not', async () => {
  await using folder = await freshFolder();
  const [table, big, deck] = ['a.CSV', 'big.txt', 'deck.pptx'].map((name) =>
    path.join(folder.path, name),
  );
  await writeFile(table ?? '', 'a,b\n"open quote,2\n');
  await writeFile(big ?? '', 'x'.repeat(5_000_001));

  const attach = [table ?? '', big ?? '', deck ?? ''];
  const { input, faults } = readBriefInput('T', 'x', options({ attach }));

  expect(input).toMatchObject({ attachments: [{ name: 'a.CSV', kind: 'csv' }] });
  expect(faults.map(({ problem }) => problem)).toEqual([
    expect.stringContaining('at most 5000000'),
    expect.stringContaining('cannot be attached yet'),
  ]);
});

test('takes nothing that is no regular file, as it may never end', async () => {
  await using folder = await freshFolder();
  const endless = path.join(folder.path, 'z.csv');
  await symlink('/dev/zero', endless);

  const { faults } = readBriefInput('T', 'x', options({ attach: [endless] }));

  expect(faults[0]?.problem).toContain('no regular file');
});

test('reads a clock time as the next such moment', () => {
  const evening = new Date(2027, 2, 1, 21, 0);

  expect(pointInTime('22:00', evening)).toBe(new Date(2027, 2, 1, 22, 0).toISOString());
  expect(pointInTime('8:30', evening)).toBe(new Date(2027, 2, 2, 8, 30).toISOString());
  expect(pointInTime('2027-03-05T07:00:00Z', evening)).toBe('2027-03-05T07:00:00.000Z');
  expect(pointInTime('tomorrow', evening)).toBe('tomorrow');
});

test('ships a sample brief that is valid and has a table to measure', () => {
  const { input } = readBriefInput(
    undefined,
    undefined,
    options({ file: 'config/sample-brief.yaml' }),
  );

  const sample = Submission.parse(input);

  expect(sample.client?.domain).toBeUndefined();
  expect(sample.attachments).toMatchObject([
    { kind: 'csv', text: expect.stringContaining('week,channel') },
  ]);
});
