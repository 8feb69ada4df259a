// Pruning the contents of files: only those that are published everywhere go, and nobody is left to wonder where they are.
import { describe, expect, test } from 'vitest';

import { day, endedTask, prune, taskWithFailedSink } from '../support/pruning.ts';
import { completed, deliverAll, failed, freshQueue, transports } from '../support/queue.ts';

describe.each(transports)('pruning contents over %s', (transport) => {
  test('the contents of published files go, what is known of them stays, and reading them says where they are', async () => {
    await using queue = await freshQueue(transport);
    const worker = await queue.worker();
    const id = await endedTask(queue, worker);
    const before = await queue.queue.readTask(id);
    await queue.db.advance({ seconds: 8 * day });

    const removed = await prune(queue, { contents: 7 });

    const [file, ...others] = (await queue.queue.readTask(id))?.deliverables ?? [];
    expect(removed).toEqual({ contents: 2 });
    expect(others).toHaveLength(1);
    expect(file).toEqual({ ...before?.deliverables[0], contentRemovedAt: expect.any(String) });
    const reading = queue.queue.readDeliverable(file?.id ?? '');
    await expect(reading).rejects.toMatchObject({
      code: 'contents_removed',
      message: expect.stringMatching(/(echo|nova)\.md left the database .*: file:\/\/\/results$/),
    });
  });

  test('contents stay while a sink has not published them, and go once it has', async () => {
    await using queue = await freshQueue(transport);
    const worker = await queue.worker({
      sinks: [
        { name: 'folder', stage: 0 },
        { name: 'drive', stage: 0 },
      ],
    });
    const id = await taskWithFailedSink(queue, worker, 'drive');
    await queue.db.advance({ seconds: 8 * day });

    const held = await prune(queue, { contents: 7 });
    await queue.queue.retryTask(id);
    await deliverAll(queue, await queue.worker({ sinks: [{ name: 'drive', stage: 0 }] }));
    await queue.db.advance({ seconds: 8 * day });
    const gone = await prune(queue, { contents: 7 });

    expect(held).toEqual({});
    expect(gone).toEqual({ contents: 1 });
  });

  test('a task whose files are gone cannot be retried, and is left as it was', async () => {
    await using queue = await freshQueue(transport);
    const worker = await queue.worker();
    const { id } = await queue.submit({ agents: ['echo', 'nova'] });
    const runs = await worker.claim();
    await worker.settle(
      ...runs.map((run) => (run.agent === 'nova' ? failed(run) : completed(run))),
    );
    await deliverAll(queue, worker);
    await queue.db.advance({ seconds: 8 * day });
    await prune(queue, { contents: 7 });
    const before = await queue.queue.readTask(id);

    const retry = queue.queue.retryTask(id);

    await expect(retry).rejects.toMatchObject({ code: 'contents_removed' });
    expect(await queue.queue.readTask(id)).toEqual(before);
    expect(await worker.claim()).toEqual([]);
  });
});
