// The state of the whole queue, and the agents, in lines of text.
import type { AgentFrontMatter } from '../../core/agent.ts';
import type { QueueState } from '../../core/queue.ts';
import { duration, moment, plain, shortId, table } from '../plain.ts';
import { type DaemonView, daemonFacts, lastErrorFact } from './daemon.ts';

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
    ...daemonFacts(daemon),
    ...pausedFacts(state, daemon),
    ['Tasks', counts.join(', ') || 'none'],
    ['Runs', `${runsRunning} running, ${runsWaiting} waiting${waiting}${later}`],
    [
      'Last poll',
      lastPoll === null
        ? 'none yet'
        : `${moment(lastPoll.startedAt)} (${lastPoll.trigger}), ${lastPoll.claimed} claimed${error}`,
    ],
    lastErrorFact(daemon),
  ];
  const workers = state.workers.map((worker) => [
    shortId(worker.id),
    plain(worker.name),
    worker.alive ? (worker.paused ? 'paused' : 'alive') : 'gone',
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

/** Workers of any machine on this database; what ours says of itself is shown already. */
function pausedFacts({ workers }: QueueState, { workerId, troubles }: DaemonView): string[][] {
  const isTold = troubles.some(({ kind }) => kind === 'disk');

  return workers.flatMap(({ id, name, alive, paused }) =>
    alive && paused && !(isTold && id === workerId)
      ? [['Paused', `${plain(name)}: ${plain(paused)}`]]
      : [],
  );
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
