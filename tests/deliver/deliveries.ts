// Ended tasks as the queue would hand them to sinks, for the tests of all sinks.
import { createHash } from 'node:crypto';

import type {
  ClaimedDelivery,
  DeliverableSummary,
  DeliveredRun,
  DeliveredTask,
} from '../../src/core/delivery.ts';
import type { Log, SinkContext } from '../../src/core/ports.ts';
import { agentNames } from '../../src/core/task.ts';

export const taskId = '0b9a6f3e-5f0c-4d6a-9d3e-2a1f6c7b8d90';

/** A deliverable together with its bytes. */
export type StoredFile = { summary: DeliverableSummary; content: Uint8Array };

export function storedFile(
  [agent, name]: readonly [agent: string, name: string],
  content: string | Uint8Array,
  more: Partial<DeliverableSummary> = {},
): StoredFile {
  const bytes = Buffer.from(content);
  const index = agentNames.findIndex((known) => known === agent);

  return {
    content: bytes,
    summary: {
      id: idFrom(`${agent}/${name}`),
      runId: index + 1,
      agent,
      name,
      kind: 'doc',
      mediaType: name.endsWith('.csv') ? 'text/csv' : 'text/markdown',
      title: name.replace(/\.[^.]*$/, '').replaceAll('-', ' '),
      bytes: bytes.byteLength,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      ...more,
    },
  };
}

/** A document and a sheet of each of the seven agents. */
export function filesOfSeven(): StoredFile[] {
  return agentNames.flatMap((agent) => [
    storedFile([agent, `${agent}-report.md`], `# Report of ${agent}\n\nA finding of ${agent}.\n`),
    storedFile([agent, `${agent}-output.csv`], `item,value\n${agent},1\n`, { kind: 'sheet' }),
  ]);
}

export function completeRun(agent: string, more: Partial<DeliveredRun> = {}): DeliveredRun {
  const index = agentNames.findIndex((known) => known === agent);

  return {
    id: index + 1,
    agent,
    title: `Title of ${agent}`,
    wave: 1,
    status: 'complete',
    summary: `What ${agent} found out.\nMore of it.`,
    error: null,
    usage: { calls: 1, tokensIn: 9, tokensOut: 3, tokensCached: 0, costUsd: 0.1, model: 'm' },
    model: 'm',
    ...more,
  };
}

export function failedRun(agent: string, message: string): DeliveredRun {
  const error = { code: 'model_unavailable', message, retriable: true };

  return completeRun(agent, { status: 'failed', summary: null, error });
}

export function endedTask(files: StoredFile[], more: Partial<DeliveredTask> = {}): DeliveredTask {
  return {
    id: taskId,
    title: 'Autumn launch',
    description: 'Launch the autumn collection in two markets.',
    outcome: 'complete',
    folderName: 'task-2026-11-22-autumn-launch-0b9a',
    folderUrl: null,
    createdAt: '2026-11-22T22:00:00.000Z',
    startedAt: '2026-11-22T22:00:01.000Z',
    endedAt: '2026-11-22T22:12:04.000Z',
    runs: agentNames.map((agent) => completeRun(agent)),
    deliverables: files.map((file) => file.summary),
    ...more,
  };
}

export function deliveryOf(task: DeliveredTask): ClaimedDelivery {
  return { id: 1, attempt: 1, sink: 'any', stage: 0, target: null, timeoutSeconds: 60, task };
}

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** A context that reads from `files`, and fails loudly for what is not among them. */
export function contextOf(files: StoredFile[], more: Partial<SinkContext> = {}): SinkContext {
  const { signal = new AbortController().signal } = more;

  return {
    log: silentLog,
    signal,
    check: () => signal.throwIfAborted(),
    async read(deliverable) {
      const file = files.find(({ summary }) => summary.id === deliverable.id);
      if (file === undefined) throw new Error(`no content of ${deliverable.name}`);
      return file.content;
    },
    ...more,
  };
}

function idFrom(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');

  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
