// What every sink must do, whatever it delivers to: one suite, run against each.
import { describe, expect, test } from 'vitest';

import type { Sink } from '../../src/core/ports.ts';
import { agentNames } from '../../src/core/task.ts';
import {
  completeRun,
  contextOf,
  deliveryOf,
  endedTask,
  failedRun,
  filesOfSeven,
  storedFile,
} from '../deliver/deliveries.ts';

/** A sink at work on a place of its own, gone when disposed of. */
export type SinkAtWork = AsyncDisposable & {
  sink: Sink;
  /** What people find there, by name: files, or the newest message; empty when there is nothing. */
  shown(): Promise<Record<string, string>>;
};

export type SinkUnderTest = {
  open(): Promise<SinkAtWork>;
  /** Whether it delivers the files themselves. */
  readsFiles: boolean;
};

const control = /[^\P{Cc}\n\t]/u;
const bidiOverride = /\u202E/;

/** Runs the suite. Call it at the top level of a test file. */
export function sinkContract(name: string, { open, readsFiles }: SinkUnderTest): void {
  describe(`sink ${name}: the contract of all sinks`, () => {
    test('delivers a complete task with every agent in it', async () => {
      await using place = await open();
      const files = filesOfSeven();

      const outcome = await place.sink.deliver(deliveryOf(endedTask(files)), contextOf(files));

      expect(outcome.type).toBe('delivered');
      expect(JSON.parse(JSON.stringify(outcome))).toEqual(outcome);
      const text = Object.values(await place.shown()).join('\n');
      expect(text).toContain('Autumn launch');
      expect(text).toContain('Complete: 7 of 7 agents');
      for (const agent of agentNames) expect(text).toContain(`What ${agent} found out.`);
    });

    test('delivers a failed task too, with the reason', async () => {
      await using place = await open();
      const runs = agentNames.map((agent) => failedRun(agent, 'The model does not answer'));
      const task = endedTask([], { outcome: 'failed', runs });

      const outcome = await place.sink.deliver(deliveryOf(task), contextOf([]));

      expect(outcome.type).toBe('delivered');
      const text = Object.values(await place.shown()).join('\n');
      expect(text).toContain('Failed: 0 of 7 agents');
      expect(text).toContain('The model does not answer');
    });

    test('delivers a task without runs or files', async () => {
      await using place = await open();
      const task = endedTask([], { outcome: 'cancelled', runs: [], startedAt: null });

      const outcome = await place.sink.deliver(deliveryOf(task), contextOf([]));

      expect(outcome.type).toBe('delivered');
      expect(Object.values(await place.shown()).join('\n')).toContain('Cancelled');
    });

    test.each(hostileTexts)('takes %j as title, folder, agent and file', async (text) => {
      await using place = await open();
      const file = storedFile([text, text], 'content', { title: text, runId: 1 });
      const runs = [completeRun(text, { id: 1, title: text, summary: text, model: text })];
      const task = endedTask([file], { title: text, folderName: text, runs });

      const outcome = await place.sink.deliver(deliveryOf(task), contextOf([file]));

      expect(outcome.type).toBe('delivered');
      for (const [shownName, shownText] of Object.entries(await place.shown())) {
        expect(shownName).not.toMatch(control);
        expect(shownName).not.toMatch(bidiOverride);
        expect(shownText).not.toMatch(control);
      }
    });

    test('leaves the same result when the delivery is repeated', async () => {
      await using place = await open();
      const files = filesOfSeven();
      const delivery = deliveryOf(endedTask(files));
      const first = await place.sink.deliver(delivery, contextOf(files));
      const shownFirst = await place.shown();

      const second = await place.sink.deliver({ ...delivery, attempt: 2 }, contextOf(files));

      expect(second).toEqual(first);
      expect(await place.shown()).toEqual(shownFirst);
    });

    test('rejects with the reason of the abort, and delivers nothing', async () => {
      await using place = await open();
      const files = filesOfSeven();
      const context = contextOf(files, { signal: AbortSignal.abort(new Error('shutting down')) });

      const delivered = place.sink.deliver(deliveryOf(endedTask(files)), context);

      await expect(delivered).rejects.toThrow('shutting down');
      expect(await place.shown()).toEqual({});
    });

    if (readsFiles) readingContract(open);
  });
}

function readingContract(open: SinkUnderTest['open']): void {
  test('asks for another try when a file cannot be read, and shows nothing by halves', async () => {
    await using place = await open();
    const files = filesOfSeven();
    const context = contextOf(files.slice(0, -1));

    const outcome = await place.sink.deliver(deliveryOf(endedTask(files)), context);

    expect(outcome).toMatchObject({ type: 'retry', error: { retriable: true } });
    expect(await place.shown()).toEqual({});
  });

  test('fails for good when a file is not the one that the agent delivered', async () => {
    await using place = await open();
    const files = filesOfSeven();
    const context = contextOf(files, { read: async () => Buffer.from('something else') });

    const outcome = await place.sink.deliver(deliveryOf(endedTask(files)), context);

    expect(outcome).toMatchObject({ type: 'fail', error: { code: 'deliverable_corrupt' } });
    expect(await place.shown()).toEqual({});
  });

  test('does not wait for a hanging read once it is aborted', async () => {
    await using place = await open();
    const files = filesOfSeven();
    const abort = new AbortController();
    const read = (): Promise<never> => {
      abort.abort(new Error('shutting down'));
      return new Promise(() => {});
    };

    const delivered = place.sink.deliver(
      deliveryOf(endedTask(files)),
      contextOf(files, { signal: abort.signal, read }),
    );

    await expect(delivered).rejects.toThrow('shutting down');
    expect(await place.shown()).toEqual({});
  });
}

const hostileTexts = [
  '../../../../etc/passwd',
  '/etc/passwd',
  '..',
  '.',
  'C:\\Windows\\system32',
  'a\u0000b.md',
  '\u001B]0;owned\u0007\u001B[2J\u001B[31mred',
  '\u009B31mred',
  'invoice\u202Egnp.exe',
  'CON',
  'nul.md',
  'trailing dots...',
  '   ',
  '\n\r\t',
  'x'.repeat(5000),
  '🦊'.repeat(400),
  '\uD800 lone surrogate',
  'index.html',
  'manifest.json',
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  '-rf',
  '.hidden',
  'mixed é and é',
  'javascript:alert(1)',
  '%2e%2e%2fpasswd',
  '__proto__',
];
