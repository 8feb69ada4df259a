// What sinks say of an ended task in words: its outcome, its problems, how long it took, what it cost.
import type { DeliveredRun, DeliveredTask } from '../core/delivery.ts';
import type { RunStatus, TaskStatus } from '../core/task.ts';

// Escape sequences for the terminal start with a control character; bidi overrides reorder what is read.
const unprintable =
  /[\p{Cc}\p{Zl}\p{Zp}\p{Cn}\u{FFFD}\u200B\u200E\u200F\u202A-\u202E\u2060-\u2069\uFEFF]/gu;

/** `text` on one line, without controls or escape sequences, cut with `…` after `maxLength` characters. */
export function cleanLine(text: string, maxLength: number = 300): string {
  const line = text.toWellFormed().replace(/\s+/gu, ' ').replace(unprintable, '').trim();
  const characters = [...line];

  if (characters.length <= maxLength) return line;
  return `${characters
    .slice(0, maxLength - 1)
    .join('')
    .trimEnd()}…`;
}

/** The title on one line; never empty, since pages and messages are found by it. */
export function titleOf(task: DeliveredTask): string {
  return cleanLine(task.title) || 'Untitled task';
}

/** An agent's name as people read it: `apex` is `Apex`. */
export function agentTitle(run: DeliveredRun): string {
  const name = cleanLine(run.agent, 60) || 'Agent';

  return name.charAt(0).toUpperCase() + name.slice(1);
}

type Problem = { agent: string; verb: string; reason: string | null };

/** What went wrong beyond `outcomeLine`, one line for each agent; nothing where that line says it all. */
export function problemLines(task: DeliveredTask): string[] {
  const problems = problemsOf(task);
  const isTold =
    problems.length === 1 || (problems.length === task.runs.length && isShared(problems));

  return isTold && task.outcome !== 'cancelled' ? [] : problems.map(problemLine);
}

/** The agents that did not deliver, in the order of the runs, and why. */
function problemsOf(task: DeliveredTask): Problem[] {
  return task.runs
    .filter((run) => run.status !== 'complete')
    .map((run) => ({
      agent: agentTitle(run),
      verb: statusVerb(run.status),
      reason: run.error === null ? null : cleanLine(run.error.message),
    }));
}

/** Such as `Apex failed: The model does not answer`. */
function problemLine({ agent, verb, reason }: Problem): string {
  return reason === null ? `${agent} ${verb}` : `${agent} ${verb}: ${reason}`;
}

/** Such as `Complete: 7 of 7 agents` or `Done with warnings: 6 of 7 agents, Apex failed: …`. */
export function outcomeLine(task: DeliveredTask): string {
  const problems = problemsOf(task);
  const line = `${outcomeWord(task.outcome)}: ${countLine(task)}`;
  const [first, ...others] = problems;

  if (first === undefined || task.outcome === 'cancelled') return line;
  if (others.length === 0) return `${line}, ${problemLine(first)}`;
  if (problems.length < task.runs.length) return `${line}, without ${listOf(problems)}`;
  return isShared(problems) ? `${line}, each for the same reason: ${first.reason}` : line;
}

/** Such as `6 of 7 agents`. */
function countLine(task: DeliveredTask): string {
  if (task.runs.length === 0) return 'no agent ran';

  const complete = task.runs.filter((run) => run.status === 'complete').length;
  return `${complete} of ${task.runs.length} ${task.runs.length === 1 ? 'agent' : 'agents'}`;
}

function outcomeWord(outcome: TaskStatus): string {
  switch (outcome) {
    case 'complete':
      return 'Complete';
    case 'partial':
      return 'Done with warnings';
    case 'failed':
      return 'Failed';
    case 'cancelled':
      return 'Cancelled';
    case 'pending':
    case 'running':
    case 'delivering':
      return 'Not finished';
  }
}

/** From the first start to the last end, such as `12 min 3 s`; `unknown` where a time is missing. */
export function durationLine(task: DeliveredTask): string {
  const start = Date.parse(task.startedAt ?? '');
  const end = Date.parse(task.endedAt ?? '');
  if (Number.isNaN(start) || Number.isNaN(end) || end < start) return 'unknown';

  const seconds = Math.round((end - start) / 1000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (seconds < 60) return `${seconds} s`;
  if (hours === 0) return `${minutes} min ${seconds % 60} s`;
  return `${hours} h ${minutes % 60} min`;
}

/** Such as `$1.20`; what is not known is never counted as nothing: `unknown`, or `at least $1.20`. */
export function costLine(runs: readonly DeliveredRun[]): string {
  const costs = runs.filter(hasRun).map((run) => run.usage?.costUsd ?? null);
  const known = costs.filter((cost) => cost !== null);
  const sum = known.reduce((total, cost) => total + cost, 0);

  if (known.length === costs.length) return dollars(sum);
  return sum === 0 ? 'unknown' : `at least ${dollars(sum)} (some prices are unknown)`;
}

/** The model that drafts by rules; see the offline model. */
const rulesModel = 'offline-rules';

export function isByRules(run: DeliveredRun): boolean {
  return run.model === rulesModel;
}

/** Whether every run that had a model drafted by rules, so that no language model wrote any of it. */
export function isAllByRules(task: DeliveredTask): boolean {
  const modelled = task.runs.filter((run) => run.model !== null);

  return modelled.length > 0 && modelled.every(isByRules);
}

export const byRulesNotice =
  'Drafts by rules: no language model wrote these texts. Set OPENAI_API_KEY and submit the brief again for written ones.';

/** Such as `Apex, Nova and Echo`. */
function listOf(problems: readonly Problem[]): string {
  const names = problems.map((problem) => problem.agent);

  return new Intl.ListFormat('en-GB', { type: 'conjunction' }).format(names);
}

function isShared(problems: readonly Problem[]): boolean {
  const [first] = problems;
  return (
    first !== undefined &&
    first.reason !== null &&
    problems.every((problem) => problem.reason === first.reason)
  );
}

function statusVerb(status: RunStatus): string {
  switch (status) {
    case 'complete':
      return 'delivered';
    case 'failed':
      return 'failed';
    case 'cancelled':
      return 'was cancelled';
    case 'skipped':
      return 'was skipped';
    case 'blocked':
    case 'pending':
    case 'running':
      return 'did not finish';
  }
}

function hasRun(run: DeliveredRun): boolean {
  return run.usage !== null || run.status === 'complete' || run.status === 'failed';
}

function dollars(amount: number): string {
  if (amount > 0 && amount < 0.01) return 'less than $0.01';
  return `$${amount.toFixed(2)}`;
}
