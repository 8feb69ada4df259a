// The brief as it was submitted, as a Markdown file to keep beside the results.
import { stringify } from 'yaml';

import type { DeliveredTask } from '../core/delivery.ts';
import { titleOf } from './wording.ts';

const shownAbove = ['title', 'description'];

export function briefDocument(task: DeliveredTask): string {
  const details = briefDetails(task);
  const parts = [`# ${titleOf(task)}`, task.description.trim()];

  if (details !== null) {
    const fence = '`'.repeat(Math.max(3, longestRunOfBackticks(details) + 1));
    parts.push('## Details', `${fence}yaml\n${details}${fence}`);
  }
  return `${parts.join('\n\n')}\n`;
}

/** The brief beyond title and description as YAML; null when there is nothing more, or nothing was told. */
export function briefDetails(task: DeliveredTask): string | null {
  const told = Object.entries(task.brief ?? {}).filter(
    ([key, value]) => !shownAbove.includes(key) && !isEmpty(value),
  );

  return told.length === 0 ? null : stringify(Object.fromEntries(told), { lineWidth: 100 });
}

function isEmpty(value: unknown): boolean {
  return value === null || value === undefined || (Array.isArray(value) && value.length === 0);
}

function longestRunOfBackticks(text: string): number {
  return Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length));
}
