// Tells Markdown that would keep the parser busy for seconds: its cost grows with the square of some repetitions.

/** Emphasis marks in one paragraph, and in all; measured, these stay below a second. */
const maxMarksTogether = 500;
const maxMarks = 10_000;
const maxLength = 300_000;

const mark = /[*_~]/g;
const bullet = /^[ \t]*[-*+][ \t]/;
const tableRule = /^[ \t]*\|?[ \t]*:?-+:?[ \t]*\|[ \t:|-]*$/;
const deepNesting = /^(?:[ \t]*(?:[-*+>]|\d{1,9}[.)])(?=[ \t>])){20}|^[ \t]{200}/m;

/** Whether to show the text as it is instead. Texts may quote pages, and pages may be hostile. */
export function isCostly(text: string): boolean {
  if (text.length > maxLength || deepNesting.test(text) || marksIn(text) > maxMarks) return true;

  return text
    .split(/\n[ \t]*\r?\n/)
    .flatMap(partsOf)
    .some((part) => marksIn(part) > maxMarksTogether);
}

/** The pieces of a block that the parser looks at one by one: rows of a table, items of a list. */
function partsOf(block: string): string[] {
  const lines = block.split('\n');
  const rule = lines.findIndex((line) => tableRule.test(line.trimEnd()));
  const parts: string[] = [];

  for (const [index, line] of lines.entries()) {
    const isRow = rule !== -1 && index >= rule;
    if (isRow || bullet.test(line) || parts.length === 0) parts.push(line);
    else parts.push(`${parts.pop()}\n${line}`);
  }
  return parts;
}

function marksIn(text: string): number {
  return text.match(mark)?.length ?? 0;
}
