// Briefs that were kept on this machine while there was no database: handed in once, in order, or refused in words.
import path from 'node:path';

import { expect, test } from 'vitest';

import type { TaskSubmission } from '../../src/core/queue.ts';
import { openSpool } from '../../src/queue/spool.ts';
import { freshFolder } from '../support/folder.ts';
import { startProxy } from '../support/proxy.ts';
import { freshQueue } from '../support/queue.ts';
import { daemonOn, ended, eventually } from './fixtures.ts';

test('hands in at its boot what was kept before, in order, and works on it', async () => {
  await using given = await freshQueue();
  await using home = await freshFolder();
  const first = await keep(home.path, { title: 'First' });
  const second = await keep(home.path, { title: 'Second', dependsOn: [first] });
  await using worker = daemonOn({ url: given.db.workerUrl, home: home.path });

  await worker.daemon.start();

  expect(await ended(given.queue, second)).toMatchObject({ status: 'complete', title: 'Second' });
  expect(await given.queue.readTask(first)).toMatchObject({ status: 'complete' });
  expect(await waiting(home.path)).toEqual([]);
});

test('hands in at once what comes while it runs, also from several programs at the same time', async () => {
  await using given = await freshQueue();
  await using home = await freshFolder();
  await using worker = daemonOn({ url: given.db.workerUrl, home: home.path });
  await worker.daemon.start();

  const ids = await Promise.all(
    Array.from({ length: 20 }, (_, at) => keep(home.path, { title: `Brief ${at}` })),
  );

  await eventually(async () => (await given.db.sql('select from tasks')).length === ids.length);
  await eventually(async () => (await waiting(home.path)).length === 0);
});

test('hands in what came during an outage once the database is back, though its answer was lost before', async () => {
  await using given = await freshQueue();
  await using proxy = await startProxy(given.db.workerUrl);
  await using home = await freshFolder();
  await using worker = daemonOn({ url: proxy.url(given.db.workerUrl), home: home.path });
  await worker.daemon.start();

  proxy.cut();
  const id = await keep(home.path, { title: 'Kept' });
  await given.queue.submitTask({ id, title: 'Kept', description: 'Text', agents: ['echo'] });
  await eventually(() =>
    worker.lines.some(({ fields }) => fields['call'] === 'hand in kept tasks'),
  );
  proxy.restore();

  await eventually(async () => (await waiting(home.path)).length === 0);
  expect(await given.db.sql('select id from tasks')).toEqual([{ id }]);
  const told = worker.lines.find(({ message }) => message.includes('is handed in'));
  expect(told?.fields).toMatchObject({ taskId: id, repeated: true });
});

test('what the database refuses is put aside with its reason, and the rest goes in', async () => {
  await using given = await freshQueue();
  await using home = await freshFolder();
  const bad = await keep(home.path, { title: 'Bad', agents: ['nobody'] });
  const good = await keep(home.path, { title: 'Good' });
  await using worker = daemonOn({ url: given.db.workerUrl, home: home.path });

  await worker.daemon.start();
  await ended(given.queue, good);

  const { refused } = openSpool(path.join(home.path, 'spool'));
  const [name = ''] = await refused.names();
  expect(await refused.read(name)).toMatchObject({
    reason: expect.stringContaining('there is no agent named nobody'),
    entry: { task: { id: bad, title: 'Bad' } },
  });
  const told = worker.lines.find(({ message }) => message.includes('is refused'));
  expect(told).toMatchObject({ level: 'error', fields: { taskId: bad } });
});

test('one poll cycle hands in what was kept, and works on it', async () => {
  await using given = await freshQueue();
  await using home = await freshFolder();
  const id = await keep(home.path, { title: 'Kept' });
  await using worker = daemonOn({ url: given.db.workerUrl, home: home.path });

  await worker.daemon.pollOnce();

  expect(await given.queue.readTask(id)).toMatchObject({ status: 'complete' });
});

/** As the command line does it; answers with the id. */
async function keep(home: string, task: Partial<TaskSubmission>): Promise<string> {
  const id = crypto.randomUUID();
  const brief = { description: 'Text', agents: ['echo'], ...task };
  const { tasks } = openSpool(path.join(home, 'spool'));
  await tasks.add({ at: new Date().toISOString(), task: { title: 'Kept', ...brief, id } });

  return id;
}

async function waiting(home: string): Promise<string[]> {
  return await openSpool(path.join(home, 'spool')).tasks.names();
}
