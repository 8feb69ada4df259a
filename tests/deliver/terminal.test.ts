// The terminal sink and the message it writes, which other notifying sinks share.
import { describe, expect, test } from 'vitest';

import type { DeliveredTask } from '../../src/core/delivery.ts';
import { agentNames } from '../../src/core/task.ts';
import { plainLines, taskMessage } from '../../src/deliver/message.ts';
import { createTerminalSink } from '../../src/deliver/terminal.ts';
import { type SinkAtWork, sinkContract } from '../contracts/sinks.ts';
import {
  completeRun,
  contextOf,
  deliveryOf,
  endedTask,
  failedRun,
  silentLog,
} from './deliveries.ts';

sinkContract('terminal', { open: async () => terminalAtWork(), readsFiles: false });

function terminalAtWork(): SinkAtWork {
  let lines: string[] = [];

  return {
    sink: createTerminalSink({ write: (line) => lines.push(line), log: silentLog }),
    async shown() {
      const message = lines.join('\n');
      lines = [];
      return message === '' ? {} : { message };
    },
    async [Symbol.asyncDispose]() {},
  };
}

function linesFor(more: Partial<DeliveredTask>): string[] {
  return plainLines(taskMessage(endedTask([], more)));
}

const oneRun = [completeRun('echo')];

describe('the message', () => {
  test('tells title, outcome, duration, cost, a line of each agent and the folder', () => {
    const lines = linesFor({
      runs: [completeRun('vision'), completeRun('apex')],
      folderUrl: 'file:///home/me/outputs/task%20one/',
    });

    expect(lines).toEqual([
      'Autumn launch',
      'Complete: 2 of 2 agents',
      'Duration 12 min 3 s, cost $0.20',
      'Vision: What vision found out.',
      'Apex: What apex found out.',
      'Results: file:///home/me/outputs/task%20one/',
    ]);
  });

  test('names the one agent that failed, and why', () => {
    const runs = [completeRun('vision'), failedRun('apex', 'No answer')];

    const [, outcome, next] = linesFor({ outcome: 'partial', runs });

    expect(outcome).toBe('Done with warnings: 1 of 2 agents, Apex failed: No answer');
    expect(next).toMatch(/^Duration/);
  });

  test('gives several failures a line each', () => {
    const runs = [
      completeRun('vision'),
      failedRun('apex', 'No answer'),
      failedRun('nova', 'No CSV'),
    ];

    const lines = linesFor({ outcome: 'partial', runs });

    expect(lines.slice(1, 4)).toEqual([
      'Done with warnings: 1 of 3 agents, without Apex and Nova',
      'Apex failed: No answer',
      'Nova failed: No CSV',
    ]);
  });

  test('says a reason that all share only once', () => {
    const runs = agentNames.map((agent) => failedRun(agent, 'The key was refused'));

    const lines = linesFor({ outcome: 'failed', runs });

    expect(lines[1]).toBe('Failed: 0 of 7 agents, each for the same reason: The key was refused');
    expect(lines).toHaveLength(4);
  });

  test('says when no language model wrote the texts', () => {
    const runs = agentNames.map((agent) => completeRun(agent, { model: 'offline-rules' }));

    const mixed = [...runs.slice(1), completeRun('vision', { model: 'gpt-5' })];

    expect(linesFor({ runs })[3]).toMatch(/^Drafts by rules: no language model/);
    expect(linesFor({ runs: mixed }).join()).not.toContain('Drafts by rules');
  });

  test.each([
    [[0.004], 'cost less than $0.01'],
    [[0, 0], 'cost $0.00'],
    [[null, null], 'cost unknown'],
    [[1.5, null], 'cost at least $1.50 (some prices are unknown)'],
  ])('tells the cost of %j as %s', (costs, expected) => {
    const usage = { calls: 1, tokensIn: 1, tokensOut: 1, tokensCached: 0, model: null };
    const runs = costs.map((costUsd) => completeRun('echo', { usage: { ...usage, costUsd } }));

    expect(linesFor({ runs })[2]).toBe(`Duration 12 min 3 s, ${expected}`);
  });

  test('counts a run without recorded usage as unknown, not as free', () => {
    expect(linesFor({ runs: [completeRun('echo', { usage: null })] })[2]).toContain('cost unknown');
  });

  test.each([
    ['2026-11-22T22:00:42.000Z', '41 s'],
    ['2026-11-23T01:05:01.000Z', '3 h 5 min'],
    ['2026-11-22T21:00:00.000Z', 'unknown'],
    [null, 'unknown'],
  ])('tells the duration until %s as %s', (endedAt, expected) => {
    expect(linesFor({ endedAt, runs: oneRun })[2]).toBe(`Duration ${expected}, cost $0.10`);
  });

  test.each([null, 'javascript:alert(1)', 'no address', ''])(
    'links nowhere for %j',
    (folderUrl) => {
      expect(linesFor({ folderUrl, runs: oneRun }).at(-1)).toBe(
        'Results: no folder could be published',
      );
    },
  );

  test('keeps escape sequences and line breaks out of every line', () => {
    const hostile = '\u001B[31mred\u001B[0m\r\nsecond\u2028third \u009B2J \u202Egnp';
    const runs = [
      completeRun('echo', { agent: hostile, summary: hostile }),
      failedRun('nova', hostile),
      failedRun('apex', hostile),
    ];

    const lines = linesFor({
      title: hostile,
      outcome: 'partial',
      runs,
      folderUrl: `file:///${hostile}`,
    });

    expect(lines[0]).toBe('[31mred[0m second third 2J gnp');
    for (const line of lines) expect(line).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\u202E]/u);
  });
});

test('asks for another try when nothing can be written', async () => {
  const write = (): never => {
    throw new Error('EPIPE');
  };
  const sink = createTerminalSink({ write, log: silentLog });

  const outcome = await sink.deliver(deliveryOf(endedTask([])), contextOf([]));

  expect(outcome).toMatchObject({ type: 'retry', error: { code: 'delivery_failed' } });
});
