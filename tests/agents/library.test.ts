// Agent files: what is accepted, what is said of faults, and how edits take effect.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { loadAgents } from '../../src/agents/library.ts';
import { keptLog, silentLog } from './fixtures.ts';

async function folderOf(files: Record<string, string>) {
  const path = await mkdtemp(join(tmpdir(), 'agents-'));
  const write = (name: string, text: string) => writeFile(join(path, name), text);
  for (const [name, text] of Object.entries(files)) await write(name, text);

  return { path, write, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

function agentFile(lines: string[] = [], prompt = 'You write.'): string {
  return ['---', 'name: echo', 'title: Writer', 'wave: 4', ...lines, '---', prompt, ''].join('\n');
}

test('reads front matter and prompt, with defaults, and a hash of the file', async () => {
  await using folder = await folderOf({
    'echo.md': agentFile(['tools: [audit_page]', 'limits:', '  max_steps: 5']),
  });

  const agents = loadAgents(folder.path, silentLog);

  expect(agents.get('echo')).toMatchObject({
    name: 'echo',
    wave: 4,
    model: 'default',
    tools: ['audit_page'],
    limits: { max_steps: 5, max_output_tokens: 16_000 },
    prompt: 'You write.',
    hash: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
  expect(agents.get('nobody')).toBeUndefined();
  expect(agents.get('../echo')).toBeUndefined();
});

test('names every fault of every file at once, with the nearest known key', async () => {
  await using folder = await folderOf({
    'echo.md': agentFile(['modle: gpt', 'limits:', '  max_step: 3']),
    'nova.md': agentFile().replace('wave: 4', 'wave: 12').replace('echo', 'Nova!'),
    'apex.md': '# no front matter',
    'reel.md': agentFile([], '').replace('echo', 'pixel'),
    'social.md': '---\nname: [\n---\nHi',
  });

  const load = () => loadAgents(folder.path, silentLog);

  expect(load).toThrow('echo.md: key modle: is unknown, did you mean model?');
  expect(load).toThrow('echo.md: key limits.max_step: is unknown, did you mean max_steps?');
  expect(load).toThrow(/nova\.md: key name: .*\nnova\.md: key wave: /);
  expect(load).toThrow('apex.md: begins with no front matter');
  expect(load).toThrow(/reel\.md: key name: is pixel.*\nreel\.md: has no prompt/);
  expect(load).toThrow('social.md: is not YAML');
});

test('refuses a folder without agents', async () => {
  await using folder = await folderOf({});

  expect(() => loadAgents(folder.path, silentLog)).toThrow('no agent file');
  expect(() => loadAgents(join(folder.path, 'absent'), silentLog)).toThrow('cannot be read');
});

test('takes an edit and a new file over without a restart', async () => {
  await using folder = await folderOf({ 'echo.md': agentFile() });
  const agents = loadAgents(folder.path, silentLog);
  const before = agents.get('echo');

  await folder.write('echo.md', agentFile([], 'You sing.'));
  await folder.write('nova.md', agentFile().replace('echo', 'nova'));

  expect(agents.get('echo')?.prompt).toBe('You sing.');
  expect(agents.get('echo')?.hash).not.toBe(before?.hash);
  expect(agents.list().map((agent) => agent.name)).toEqual(['echo', 'nova']);
});

test('keeps the last good definition under a broken edit and warns once', async () => {
  await using folder = await folderOf({ 'echo.md': agentFile() });
  const log = keptLog();
  const agents = loadAgents(folder.path, log);

  await folder.write('echo.md', agentFile(['colour: red']));

  expect(agents.get('echo')?.prompt).toBe('You write.');
  expect(agents.list()).toHaveLength(1);
  expect(log.lines).toHaveLength(1);
  expect(log.lines[0]).toContain('colour');
});

test('still answers for an agent whose file is gone, but lists it no more', async () => {
  await using folder = await folderOf({
    'echo.md': agentFile(),
    'nova.md': agentFile().replace('echo', 'nova'),
  });
  const agents = loadAgents(folder.path, silentLog);

  await rm(join(folder.path, 'nova.md'));

  expect(agents.get('nova')?.name).toBe('nova');
  expect(agents.list().map((agent) => agent.name)).toEqual(['echo']);
});
