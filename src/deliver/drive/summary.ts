// The document that opens a task's folder: what became of the task, agent by agent, failures and their reasons too.
import type { DeliveredRun, DeliveredTask } from '../../core/delivery.ts';
import { type Markup, markup, nothing } from '../page/markup.ts';
import {
  agentTitle,
  byRulesNotice,
  cleanLine,
  costLine,
  durationLine,
  isAllByRules,
  isByRules,
  outcomeLine,
  problemLines,
  titleOf,
} from '../wording.ts';
import { htmlDocument } from './html.ts';

/** HTML. Pure: the same task gives the same bytes, so that a repeat uploads nothing. */
export function summaryDocument(task: DeliveredTask): string {
  const problems = problemLines(task);

  return htmlDocument(
    titleOf(task),
    markup`<h1>${titleOf(task)}</h1>
<p><b>${outcomeLine(task)}</b></p>
${problems.length === 0 ? nothing : markup`<ul>${problems.map((line) => markup`<li>${line}</li>`)}</ul>`}
<p>Duration ${durationLine(task)}, cost ${costLine(task.runs)}</p>
${isAllByRules(task) ? markup`<p><i>${byRulesNotice}</i></p>` : nothing}
${task.runs.toSorted(byWave).map((run) => runSection(run, task))}`,
  );
}

function runSection(run: DeliveredRun, task: DeliveredTask): Markup {
  const role = cleanLine(run.title);
  const files = task.deliverables.filter(({ runId }) => runId === run.id);

  return markup`<h2>${agentTitle(run)}${role === '' ? nothing : markup`: ${role}`}</h2>
<p><i>${run.status}, ${modelOf(run)}, cost ${costLine([run])}</i></p>
${run.error === null ? nothing : markup`<p><b>${cleanLine(run.error.message)}</b></p>`}
${paragraphsOf(run.summary ?? '').map((text) => markup`<p>${text}</p>`)}
${files.length === 0 ? nothing : markup`<ul>${files.map(({ title, name }) => markup`<li>${cleanLine(title) || cleanLine(name)}</li>`)}</ul>`}`;
}

function modelOf(run: DeliveredRun): string {
  if (isByRules(run)) return 'drafted by rules';
  return run.model === null ? 'no model recorded' : `model ${cleanLine(run.model)}`;
}

function paragraphsOf(text: string): string[] {
  return text
    .split(/\r?\n/)
    .map((line) => cleanLine(line, 5_000))
    .filter((line) => line !== '');
}

function byWave(left: DeliveredRun, right: DeliveredRun): number {
  return left.wave - right.wave || left.id - right.id;
}
