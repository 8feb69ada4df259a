// Builds the files that every agent delivers: Markdown documents, CSV sheets and the output as JSON.
import { stringify } from 'csv-stringify/sync';

import type { AnyOutput, Check } from '../../core/output.ts';
import type { DeliverableFile } from '../../core/run.ts';
import type { FileContext } from './kind.ts';

export type Cell = string | number | null;

export type Table = { columns: string[]; rows: Cell[][] };

/** One part of a document. `body` and `list` are Markdown; headings and table cells are plain text. */
export type Section = {
  heading: string;
  body?: string | undefined;
  list?: string[] | undefined;
  table?: Table | undefined;
};

/** The line that every file of a draft by rules carries where its format allows it. */
export const byRulesLine = 'Draft by rules, not written by a language model.';

/** Who drafted: `rules`, or the model's name. */
export function draftedBy(about: FileContext): string {
  return about.byRules ? 'rules' : (about.model ?? 'a language model');
}

/** A Markdown document: a header on where it comes from, the sections, then warnings that remain. */
export function document(options: {
  name: string;
  title: string;
  about: FileContext;
  sections: Section[];
}): DeliverableFile {
  const { name, title, about, sections } = options;
  const parts = [
    `# ${plain(title)}`,
    header(about),
    ...sections.flatMap(renderSection),
    ...renderSection(warnings(about.checks)),
  ];
  return { name, kind: 'doc', mediaType: 'text/markdown', title, content: joined(parts) };
}

/** A CSV sheet. Cells that a spreadsheet would run as a formula are escaped; the last column says who drafted. */
export function sheet(options: {
  name: string;
  title: string;
  about: FileContext;
  columns: string[];
  rows: Cell[][];
}): DeliverableFile {
  const { name, title, about, columns, rows } = options;
  const author = draftedBy(about);
  const content = stringify(
    [[...columns, 'drafted_by'], ...rows.map((row) => [...row.map(storable), author])],
    { escape_formulas: true, record_delimiter: 'windows', quote_record_delimiter: true },
  );
  return { name, kind: 'sheet', mediaType: 'text/csv', title, content, data: { columns, rows } };
}

/** The whole output with its checks, for programs. */
export function outputJson(output: AnyOutput, about: FileContext): DeliverableFile {
  const label = about.byRules ? { note: byRulesLine } : {};
  const value = { drafted_by: draftedBy(about), ...label, output, checks: about.checks };
  return {
    name: `${output.agent}-output.json`,
    kind: 'json',
    mediaType: 'application/json',
    title: 'The whole output, for programs',
    content: `${JSON.stringify(value, null, 2)}\n`,
  };
}

/** The sections every document ends with: what it rests on, what was assumed, what to ask the client. */
export function closingSections(output: AnyOutput): Section[] {
  return [
    { heading: 'Assumptions', list: orNone(output.assumptions, 'None were needed.') },
    { heading: 'Open questions', list: orNone(output.open_questions, 'None.') },
    evidenceSection(output),
  ];
}

/** The texts that the client must print, where there are any. */
export function disclaimerSections(disclaimers: string[]): Section[] {
  return disclaimers.length === 0 ? [] : [{ heading: 'Disclaimers to print', list: disclaimers }];
}

function evidenceSection(output: AnyOutput): Section {
  if (output.evidence.length === 0) {
    return { heading: 'Evidence', body: 'No evidence was recorded for this document.' };
  }
  const rows = output.evidence.map((item) => [
    item.id,
    item.claim,
    item.kind,
    item.url ?? item.file ?? null,
    item.value ?? null,
  ]);
  const columns = ['Id', 'What it shows', 'Kind', 'Where', 'Value'];
  return { heading: 'Evidence', table: { columns, rows } };
}

function orNone(list: string[], none: string): string[] {
  return list.length === 0 ? [none] : list;
}

function header(about: FileContext): string {
  const facts = [
    `Client: ${plain(about.brief.client?.name ?? 'not named in the brief')}`,
    `Brief: ${plain(about.brief.title)}`,
    about.submittedAt === undefined ? null : `Date: ${about.submittedAt.slice(0, 10)}`,
    about.byRules ? byRulesLine : `Drafted by ${plain(draftedBy(about))}.`,
  ];
  return facts
    .filter((fact) => fact !== null)
    .map((fact) => `- ${fact}`)
    .join('\n');
}

function warnings(checks: Check[]): Section {
  const failed = checks.filter((check) => check.level === 'warn' && !check.ok);
  const rows = failed.map((check) => [check.id, check.path, check.measured, check.limit]);
  return {
    heading: 'Checks to look at',
    body:
      failed.length === 0
        ? 'Every check passed.'
        : 'These checks did not pass; none of them stops the work.',
    table: { columns: ['Check', 'Where', 'Measured', 'Limit'], rows },
  };
}

function renderSection(section: Section): string[] {
  const list = section.list?.map((item) => `- ${plain(item)}`).join('\n') ?? '';
  const body = shown(section.body ?? '').trim();
  return [`## ${plain(section.heading)}`, body, list, table(section.table)].filter(
    (part) => part !== '',
  );
}

function table(shape: Table | undefined): string {
  if (shape === undefined || shape.rows.length === 0) {
    return '';
  }
  const line = (cells: Cell[]) => `| ${cells.map(tableCell).join(' | ')} |`;
  const rule = `|${' --- |'.repeat(shape.columns.length)}`;
  return [line(shape.columns), rule, ...shape.rows.map(line)].join('\n');
}

function tableCell(cell: Cell): string {
  if (cell === null) return '';
  const text = typeof cell === 'number' ? readable(cell) : cell;

  return plain(text.replaceAll('\\', '\\\\')).replaceAll('|', '\\|');
}

// As many digits as a person reads; sheets and JSON keep them all.
function readable(value: number): string {
  return String(Number(Math.abs(value) < 1 ? value.toPrecision(4) : value.toFixed(2)));
}

/** Text on one line. Markup of pages and briefs is shown, never run. */
function plain(text: string): string {
  return shown(text).replaceAll(/\s+/gu, ' ').trim();
}

function shown(text: string): string {
  return text.replaceAll('\0', '').replaceAll('<', '&lt;');
}

function storable(cell: Cell): Cell {
  return typeof cell === 'string' ? cell.replaceAll('\0', '') : cell;
}

function joined(parts: string[]): string {
  return `${parts.join('\n\n')}\n`;
}
