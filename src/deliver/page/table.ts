// Shows a CSV sheet as a table: its first rows, and in words how many more there are.
import { parse } from 'csv-parse/sync';

import { type Markup, markup, nothing, trusted } from './markup.ts';

const maxRows = 200;
const maxColumns = 60;
const number = /^[-+]?[$€£]?\d[\d\s.,]*%?$/u;

/** Throws an error of the parser for text that is no CSV at all. */
export function tableOf(text: string, title: string): Markup {
  const rows = parse(text, {
    bom: true,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
  });
  const [header = [], ...body] = rows;
  if (rows.length === 0) return markup`<p>The sheet is empty.</p>`;

  const columns = rows.reduce((most, row) => Math.max(most, row.length), 0);
  const shown = body.slice(0, maxRows);
  const classes = header
    .slice(0, maxColumns)
    .map((_, column) => (isNumeric(shown, column) ? trusted(' class="number"') : nothing));
  const heads = classes.map(
    (kind, column) => markup`<th scope="col"${kind}>${header[column] ?? ''}</th>`,
  );

  return markup`<div class="scroll sheet" role="region" aria-label="${title}" tabindex="0">
<table><thead><tr>${heads}</tr></thead>
<tbody>${shown.map((cells) => rowOf(cells, classes))}</tbody></table></div>
${restOf(body.length, columns)}`;
}

function rowOf(cells: readonly string[], classes: readonly Markup[]): Markup {
  const shown = cells
    .slice(0, maxColumns)
    .map((cell, column) => markup`<td${classes[column] ?? nothing}>${cell}</td>`);

  return markup`<tr>${shown}</tr>\n`;
}

function isNumeric(rows: readonly string[][], column: number): boolean {
  return rows.length > 0 && rows.every((row) => number.test(row[column] ?? ''));
}

function restOf(rows: number, columns: number): Markup {
  const parts = [
    rows > maxRows ? `the first ${maxRows} of ${rows} rows` : null,
    columns > maxColumns ? `the first ${maxColumns} of ${columns} columns` : null,
  ].filter((part) => part !== null);

  if (parts.length === 0) return markup`<p class="note">${rows} ${rows === 1 ? 'row' : 'rows'}</p>`;
  return markup`<p class="note">Shown are ${parts.join(' and ')}: open the file for the rest.</p>`;
}
