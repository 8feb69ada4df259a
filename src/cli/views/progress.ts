// Progress in lines: one for each agent of a task, or one for each step.
import type { ProgressRow, RunView, TaskView } from '../../core/queue.ts';
import { cut, duration, fit, plain } from '../plain.ts';
import type { Colour, Screen } from '../screen.ts';

/** The newest row of each agent. */
export type Latest = Map<string, ProgressRow>;

const looks: Record<RunView['status'], { icon: string; colour: Colour }> = {
  blocked: { icon: '◌', colour: 'dim' },
  pending: { icon: '○', colour: 'dim' },
  running: { icon: '●', colour: 'cyan' },
  complete: { icon: '✔', colour: 'green' },
  failed: { icon: '✖', colour: 'red' },
  cancelled: { icon: '⊘', colour: 'yellow' },
  skipped: { icon: '↷', colour: 'yellow' },
};

const agentColumns = 8;
const statusColumns = 9;
const elapsedColumns = 7;
const leastText = 10;
const separator = ' · ';

/** A line per agent: state, step, elapsed time, and as much of the last message as there is room for. */
export function agentLines(task: TaskView, latest: Latest, screen: Screen): string[] {
  const now = Date.now();

  return task.runs.map((run) => {
    const { icon, colour } = looks[run.status];
    const state = `${icon} ${fit(plain(run.agent), agentColumns)} ${fit(run.status, statusColumns)}`;
    const elapsed = fit(elapsedOf(run, now), elapsedColumns);
    // One column stays free: a full line would wrap and tear the region.
    const room = screen.columns() - state.length - elapsedColumns - 3;
    const text = room < leastText ? '' : cut(textOf(run, latest.get(run.agent)), room);

    return `${screen.paint(colour, state)} ${screen.paint('dim', elapsed)} ${text}`.trimEnd();
  });
}

function elapsedOf(run: RunView, now: number): string {
  if (run.startedAt === null) return '';
  const end = run.completedAt === null ? now : Date.parse(run.completedAt);

  return duration(end - Date.parse(run.startedAt));
}

function textOf(run: RunView, row: ProgressRow | undefined): string {
  if (run.status === 'complete' && run.summary !== null) return plain(run.summary);
  if (run.error !== null && run.status !== 'running') return plain(run.error.message);
  return row === undefined ? '' : rowText(row);
}

/** A row as one line for logs and pipes. */
export function rowLine(row: ProgressRow): string {
  return `${fit(plain(row.agent ?? 'task'), agentColumns)} ${cut(rowText(row), 160)}`;
}

function rowText(row: ProgressRow): string {
  const [first = ''] = (row.aiMessage ?? '').trim().split('\n');

  return [plain(row.stepLabel), plain(first)].filter((text) => text !== '').join(separator);
}
