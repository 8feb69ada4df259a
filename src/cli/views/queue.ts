// The state of the whole queue, and the agents, in lines of text.
import type { AgentFrontMatter } from '../../core/agent.ts';
import type { QueueState } from '../../core/queue.ts';
import { duration, moment, plain, shortId, table } from '../plain.ts';

/** What this machine knows of its own daemon; nulls where none runs here. */
export type DaemonView = {
  profile: string | null;
  pid: number | null;
  startedAt: string | null;
  lastError: { at: string | null; message: string } | null;
};

export type RunningAgent = {
  agent: string;
  startedAt: string | null;
  taskId: string;
  title: string;
};

export function queueDetails(
  state: QueueState,
  daemon: DaemonView,
  running: RunningAgent[],
): string[] {
  const { runsWaiting, runsRunning, oldestWaitingSeconds: oldest, lastPoll } = state;
  const later =
    state.nextDueAt === null
      ? ''
      : `; ${state.runsDelayed} later, the next at ${moment(state.nextDueAt)}`;
  const counts = Object.entries(state.tasks).map(([status, count]) => `${count} ${status}`);
  const waiting = oldest === null ? '' : `, the oldest for ${duration(oldest * 1_000)}`;
  const error = lastPoll?.error ? `, with an error: ${plain(lastPoll.error)}` : '';
  const facts = [
    ['Daemon', daemonLine(daemon)],
    ['Tasks', counts.join(', ') || 'none'],
    ['Runs', `${runsRunning} running, ${runsWaiting} waiting${waiting}${later}`],
    [
      'Last poll',
      lastPoll === null
        ? 'none yet'
        : `${moment(lastPoll.startedAt)} (${lastPoll.trigger}), ${lastPoll.claimed} claimed${error}`,
    ],
    ['Last error', errorLine(daemon)],
  ];
  const workers = state.workers.map((worker) => [
    shortId(worker.id),
    plain(worker.name),
    worker.alive ? 'alive' : 'gone',
    `${worker.running}`,
    moment(worker.startedAt),
    plain(worker.version),
  ]);
  const heading = ['WORKER', 'NAME', 'STATE', 'RUNNING', 'STARTED', 'VERSION'];

  const agents = running.map(({ agent, startedAt, taskId, title }) => [
    agent,
    startedAt === null ? '-' : duration(Date.now() - Date.parse(startedAt)),
    shortId(taskId),
    plain(title),
  ]);
  return [
    ...table(facts),
    '',
    ...table([heading, ...workers]),
    ...(agents.length === 0 ? [] : ['', ...table([['AGENT', 'FOR', 'TASK', 'TITLE'], ...agents])]),
  ];
}

function daemonLine({ pid, profile, startedAt }: DaemonView): string {
  if (pid === null || startedAt === null) return 'none on this home';

  return `pid ${pid}, ${profile}, up for ${duration(Date.now() - Date.parse(startedAt))}`;
}

function errorLine({ lastError }: DaemonView): string {
  return lastError === null ? 'none' : `${moment(lastError.at)}  ${plain(lastError.message)}`;
}

export function agentList(agents: AgentFrontMatter[]): string[] {
  const rows = agents.map((agent) => [
    agent.name,
    `${agent.wave}`,
    agent.enabled ? (agent.required ? 'required' : 'enabled') : 'disabled',
    agent.model,
    plain(agent.title),
    agent.tools.join(', ') || '-',
  ]);

  return table([['AGENT', 'WAVE', 'STATE', 'MODEL', 'TITLE', 'TOOLS'], ...rows]);
}
