// Reads the rows of a CSV text one by one, whatever is broken in it, and names what is broken by its line.
import { CsvError, parse } from 'csv-parse/sync';

import { type Delimiter, guessDelimiter } from './delimiter.ts';

export type BrokenRow = { line: number; problem: string };

export type Reading = {
  /** The first row. */
  header(fields: string[]): void;
  /** A row with as many fields as the header. */
  row(fields: string[]): void;
  broken(row: BrokenRow): void;
};

export type Source = { delimiter: Delimiter; firstLine: number; bytes: Buffer };

type Progress = { offset: number; line: number; width: number };
type Faulty = { at: number; line: number; problem: string };

// Longer than any cell that people write; an unclosed quote is found after this much.
const maxRecordLength = 100_000;
const maxRestarts = 40;
const unclosed = 'a quote is opened and never closed';

/** Strips what stands before the table: byte order mark, and the `sep=;` line of Excel. */
export function openSource(text: string): Source {
  const plain = text.replace(/^\ufeff/, '').replace(/\r\n?/g, '\n');
  const [, declared] = /^sep=([,;\t|])\n/i.exec(plain) ?? [];
  const table = declared === undefined ? plain : plain.slice(plain.indexOf('\n') + 1);

  return {
    delimiter: guessDelimiter(declared === undefined ? table : `${declared}\n${table}`),
    firstLine: declared === undefined ? 1 : 2,
    bytes: Buffer.from(table),
  };
}

/** Reads every row. Never throws: a row that cannot be read is reported as broken and passed over. */
export function readRecords(source: Source, reading: Reading): void {
  const progress: Progress = { offset: 0, line: source.firstLine, width: 0 };

  for (let restarts = 0; progress.offset < source.bytes.length; restarts += 1) {
    // A text with this many stray quotes uses them as plain characters.
    const isQuoted = restarts < maxRestarts;
    const faulty = readUntilFault(source, { progress, isQuoted, reading });
    if (faulty === null) return;

    reading.broken({ line: faulty.line, problem: faulty.problem });
    const lineEnd = source.bytes.indexOf('\n', faulty.at);
    progress.offset = lineEnd === -1 ? source.bytes.length : lineEnd + 1;
    progress.line = faulty.line + 1;
  }
}

/** Reads rows until one swallows the lines after it, as an unclosed quote does; null when all is read. */
function readUntilFault(
  source: Source,
  { progress, isQuoted, reading }: { progress: Progress; isQuoted: boolean; reading: Reading },
): Faulty | null {
  const rest = source.bytes.subarray(progress.offset);
  const base = progress.line - 1;
  let at = 0;
  let line = progress.line;
  let fault: Faulty | null = null;

  try {
    parse(rest, {
      delimiter: source.delimiter,
      quote: isQuoted ? '"' : null,
      escape: isQuoted ? '"' : null,
      record_delimiter: '\n',
      relax_column_count: true,
      relax_quotes: true,
      max_record_size: isQuoted ? maxRecordLength : 0,
      on_record: (fields: string[], { lines, bytes }) => {
        const ownLine = base + lines - lineBreaksIn(fields);
        const problem = take(fields);
        if (problem !== null && ownLine < base + lines) {
          fault = { at: progress.offset + at, line: ownLine, problem };
          throw new Error(problem);
        }
        if (problem !== null) reading.broken({ line: ownLine, problem });
        at = bytes;
        line = base + lines + 1;

        return null;
      },
    });
  } catch (error) {
    const problem = error instanceof CsvError ? unclosed : 'the row cannot be read';

    return fault ?? { at: progress.offset + at, line, problem };
  }

  return null;

  function take(fields: string[]): string | null {
    if (fields.every((field) => field.trim() === '')) return null;
    if (fields.some((field) => field.startsWith('"') && field.includes('\n'))) return unclosed;
    if (progress.width > 0) return takeRow(fields, progress.width, reading);

    progress.width = fields.length;
    reading.header(fields);
    return null;
  }
}

function takeRow(fields: string[], width: number, reading: Reading): string | null {
  // Separators at the end of a line are a habit of exports, not a fault.
  const surplus = fields.slice(width);
  if (fields.length < width || surplus.some((field) => field.trim() !== '')) {
    return `${fields.length} fields where the header has ${width}`;
  }
  reading.row(fields.length === width ? fields : fields.slice(0, width));

  return null;
}

function lineBreaksIn(fields: string[]): number {
  let count = 0;
  for (const field of fields) {
    for (let at = field.indexOf('\n'); at !== -1; at = field.indexOf('\n', at + 1)) count += 1;
  }

  return count;
}
