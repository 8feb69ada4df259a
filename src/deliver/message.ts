// The message that says that a task has ended, as data: every notifying sink turns the lines into its own form.
import type { DeliveredRun, DeliveredTask } from '../core/delivery.ts';
import {
  agentTitle,
  byRulesNotice,
  cleanLine,
  costLine,
  durationLine,
  isAllByRules,
  outcomeLine,
  problemLines,
  titleOf,
} from './wording.ts';

/** One line without controls, markup or escapes. `link` has its address apart, null when there is no folder. */
type MessageLine =
  | { type: 'title' | 'outcome' | 'problem' | 'facts' | 'notice'; text: string }
  | { type: 'agent'; agent: string; text: string }
  | { type: 'link'; text: string; href: string | null };

const maxSummaryLength = 200;
const linkProtocols = ['file:', 'http:', 'https:'];

/** Title, outcome, what failed and why, duration and cost, one line for each agent, the folder. Pure. */
export function taskMessage(task: DeliveredTask): MessageLine[] {
  return [
    { type: 'title', text: titleOf(task) },
    { type: 'outcome', text: outcomeLine(task) },
    ...problemLines(task).map((text) => ({ type: 'problem' as const, text })),
    { type: 'facts', text: `Duration ${durationLine(task)}, cost ${costLine(task.runs)}` },
    ...(isAllByRules(task) ? [{ type: 'notice' as const, text: byRulesNotice }] : []),
    ...task.runs.flatMap(agentLine),
    { type: 'link', text: 'Results', href: safeLink(task.folderUrl) },
  ];
}

/** The message as plain lines of text. */
export function plainLines(lines: readonly MessageLine[]): string[] {
  return lines.map((line) => {
    switch (line.type) {
      case 'agent':
        return `${line.agent}: ${line.text}`;
      case 'link':
        return `${line.text}: ${line.href ?? 'no folder could be published'}`;
      case 'title':
      case 'outcome':
      case 'problem':
      case 'facts':
      case 'notice':
        return line.text;
    }
  });
}

function agentLine(run: DeliveredRun): MessageLine[] {
  const [first = ''] = (run.summary ?? '').trim().split(/\r?\n/);
  const text = cleanLine(first, maxSummaryLength);

  return text === '' ? [] : [{ type: 'agent', agent: agentTitle(run), text }];
}

function safeLink(address: string | null): string | null {
  const url = address === null ? null : URL.parse(address);

  // `href` is percent-encoded, so it holds no control characters either.
  return url !== null && linkProtocols.includes(url.protocol) ? url.href : null;
}
