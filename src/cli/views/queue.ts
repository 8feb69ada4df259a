// The state of the whole queue, and the agents, in lines of text.
import type { AgentFrontMatter } from '../../core/agent.ts';
import type { QueueState } from '../../core/queue.ts';
import { duration, moment, plain, shortId, table } from '../plain.ts';

export function queueDetails(state: QueueState): string[] {
  const { runsWaiting, runsRunning, oldestWaitingSeconds: oldest, lastPoll } = state;
  const counts = Object.entries(state.tasks).map(([status, count]) => `${count} ${status}`);
  const waiting = oldest === null ? '' : `, the oldest for ${duration(oldest * 1_000)}`;
  const error = lastPoll?.error ? `, with an error: ${plain(lastPoll.error)}` : '';
  const facts = [
    ['Tasks', counts.join(', ') || 'none'],
    ['Runs', `${runsRunning} running, ${runsWaiting} waiting${waiting}`],
    [
      'Last poll',
      lastPoll === null
        ? 'none yet'
        : `${moment(lastPoll.startedAt)} (${lastPoll.trigger}), ${lastPoll.claimed} claimed${error}`,
    ],
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

  return [...table(facts), '', ...table([heading, ...workers])];
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
