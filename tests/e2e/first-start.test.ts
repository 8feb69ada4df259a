// The first start of a stranger's clone: no account, no key, an empty home, and a terminal that is none.
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { agentNames } from '../../src/core/task.ts';
import { readReadyFile } from '../../src/daemon/ready-file.ts';
import { type Daemon, type Home, temporaryHome } from '../support/daemon.ts';
import { postmasterOf } from '../support/postmaster.ts';
import { until } from '../support/until.ts';
import { readTaskFolder, sha256Of, type TaskFolder, taskFolders } from './folders.ts';

const hint = 'Nightshift keeps running';

describe('the first start on an empty home', () => {
  let home: Home;
  let daemon: Daemon;
  let folder: TaskFolder;

  beforeAll(async () => {
    home = await temporaryHome();
    daemon = await home.start();
    const why = () => `the sample ends; the daemon says: ${daemon.stderr()}`;
    await until(() => daemon.stderr().includes(hint), { boundMs: 60_000, why });
    const [name = ''] = await taskFolders(home.path);
    folder = await readTaskFolder(path.join(home.path, 'outputs', name));
  }, 120_000);

  afterAll(() => home[Symbol.asyncDispose]());

  test('tells the progress of seven agents in plain lines, and then how the task ended', () => {
    const lines = daemon.stderr().split('\n');

    const told = agentNames.map((agent) => lines.filter((line) => line.startsWith(`${agent} `)));

    expect(told.every((own) => own.length >= 2)).toBe(true);
    expect(lines).toContainEqual(expect.stringMatching(/^Task \w{8} is complete after /));
    expect(daemon.stderr()).not.toContain('\u001b');
  });

  test('writes the folder of the results as a line of its output', () => {
    const lines = daemon.stdout().split('\n');

    expect(lines).toContain(`${folder.path}/`);
    expect(lines).toContain('Complete: 7 of 7 agents');
  });

  test('publishes a document and a sheet of every agent', () => {
    const kindsOf = (agent: string): string[] =>
      folder.files
        .filter((file) => file.startsWith(`${agent}/`))
        .map((file) => path.extname(file))
        .filter((extension) => ['.md', '.csv'].includes(extension));

    const kinds = agentNames.map((agent) => [...new Set(kindsOf(agent))].toSorted());

    expect(kinds).toEqual(agentNames.map(() => ['.csv', '.md']));
  });

  test('lists every file in the manifest with its size and hash', async () => {
    const { files } = folder.manifest;
    const measured = files.map(async (file) => {
      const place = path.join(folder.path, file.path);
      return { ...file, bytes: (await stat(place)).size, sha256: await sha256Of(place) };
    });

    expect(await Promise.all(measured)).toEqual(files);
    const besides = ['brief.md', 'index.html', 'manifest.json'];
    expect(folder.files).toEqual([...files.map((file) => file.path), ...besides].toSorted());
    expect(folder.manifest).toMatchObject({ published: true, failed_agents: [] });
  });

  test('shows every agent on the page, and says on it and in every document that rules wrote it', async () => {
    const page = await folder.read('index.html');
    const documents = folder.files.filter((file) => /^\w+\/.*\.md$/.test(file));
    const texts = await Promise.all(documents.map((file) => folder.read(file)));

    for (const agent of agentNames) expect(page).toContain(`${agent}/`);
    expect(page).toMatch(/rules/i);
    expect(texts.filter((text) => !/by rules/i.test(text))).toEqual([]);
  });

  test('keeps the home and the ready file to its user', async () => {
    const modeOf = async (name: string): Promise<number> =>
      (await stat(path.join(home.path, name))).mode & 0o077;

    expect(await modeOf('run/daemon.json')).toBe(0);
    expect(await modeOf('outputs')).toBe(0);
    expect(daemon.ready).toMatchObject({ pid: daemon.pid, profile: 'embedded' });
  });

  test('ends at SIGTERM with code 0 and leaves nothing running', async () => {
    const postgres = await postmasterOf(home.path);

    const code = await daemon.stop();

    expect(code).toBe(0);
    expect(postgres).toBeGreaterThan(1);
    expect(await postmasterOf(home.path)).toBeUndefined();
    expect(await readReadyFile(home.path)).toBeUndefined();
  });

  test('is the only one that queues the sample', async () => {
    const second = await home.start();
    const tasks = await home.json('list');
    const code = await second.stop();

    expect(tasks).toHaveLength(1);
    expect(code).toBe(0);
    expect(second.stderr()).not.toContain('sample');
  });
});
