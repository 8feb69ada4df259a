// The lines of a followed task: one per agent, never wider than the terminal, never dangerous.
import { stripVTControlCharacters } from 'node:util';

import { expect, test } from 'vitest';

import { widthOf } from '../../src/cli/plain.ts';
import type { Screen } from '../../src/cli/screen.ts';
import { agentLines, rowLine } from '../../src/cli/views/progress.ts';
import { createRedactor } from '../../src/core/redact.ts';
import type { ProgressRow, RunView, TaskView } from '../../src/core/queue.ts';

const screen: Screen = {
  isLive: true,
  columns: () => 60,
  result: () => undefined,
  say: () => undefined,
  draw: () => undefined,
  keep: () => undefined,
  redactor: createRedactor(),
  paint: (_colour, text) => `\u001b[36m${text}\u001b[39m`,
};

const run: RunView = {
  id: 1,
  agent: 'vision',
  wave: 1,
  status: 'running',
  attempt: 1,
  tries: 1,
  maxAttempts: 4,
  dueAt: null,
  startedAt: new Date(Date.now() - 65_000).toISOString(),
  completedAt: null,
  error: null,
  usage: null,
  summary: null,
  workerId: null,
};

const task: TaskView = {
  id: '6f1d0d5e-5d6a-4695-94b5-ec8afbff11ca',
  title: 'Launch',
  status: 'running',
  profile: 'parallel',
  priority: 5,
  agents: ['vision', 'echo'],
  runsEnded: 0,
  failedAgents: [],
  folderUrl: null,
  createdAt: new Date().toISOString(),
  startedAt: null,
  completedAt: null,
  description: 'x',
  brief: {},
  folderName: 'task',
  error: null,
  result: null,
  waitsFor: [],
  scheduledFor: null,
  runs: [run, { ...run, id: 2, agent: 'echo', status: 'pending', startedAt: null }],
  deliveries: [],
  deliverables: [],
};

function row(aiMessage: string): ProgressRow {
  const about = { id: 1, taskId: task.id, runId: 1, agent: 'vision', percent: 10, isFinal: false };
  return { ...about, stepLabel: 'step 1', aiMessage, createdAt: task.createdAt };
}

test('shows state, elapsed time and as much of the last message as fits', () => {
  const latest = new Map([['vision', row(`Reading 日本語 ${'and more '.repeat(20)}`)]]);

  const lines = agentLines(task, latest, screen).map((line) => stripVTControlCharacters(line));

  expect(lines[0]).toMatch(/^● vision +running +1m 05s +step 1 · Reading 日本語 and.*…$/);
  expect(lines[1]?.trimEnd()).toBe('○ echo     pending');
  expect(Math.max(...lines.map(widthOf))).toBeLessThan(60);
});

test('takes one line of a message, without what could steer the terminal', () => {
  const line = rowLine(row('first\u001b[2J\u0007 line\nsecond'));

  expect(line).toBe('vision   step 1 · first line');
});
