// Splits the text of a migration into its statements, so that each can be run, recorded and blamed by itself.

/** `offset` is where `text` starts in the file; `codeOffset` where its code does, past leading comments. */
export type Statement = { text: string; offset: number; codeOffset: number };

// In this order: an E-string before the word E, a word before a dollar quote (`a$b$` is a name).
const token = new RegExp(
  [
    /--[^\n]*/,
    /\/\*/,
    /[eE]'(?:[^'\\]|\\[^]|'')*'/,
    /'(?:[^']|'')*'/,
    /"(?:[^"]|"")*"/,
    /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/,
    /\$(?<tag>[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$[^]*?\$\k<tag>\$/,
    /[^]/,
  ]
    .map((part) => part.source)
    .join('|'),
  'g',
);

/** The statements in order, without their semicolons. Comments stay with the statement that they precede. */
export function splitStatements(text: string): Statement[] {
  const statements: Statement[] = [];
  const atomic = createAtomicBody();
  let start = 0;
  let codeOffset: number | undefined;

  function finish(end: number): void {
    const piece = text.slice(start, end);
    const offset = start + piece.length - piece.trimStart().length;
    if (codeOffset !== undefined) statements.push({ text: piece.trim(), offset, codeOffset });
    start = end + 1;
    codeOffset = undefined;
  }

  for (const { text: word, offset } of tokensOf(text)) {
    if (word === ';' && !atomic.isOpen()) {
      finish(offset);
      continue;
    }
    if (word.trim() === '' || word.startsWith('--') || word.startsWith('/*')) continue;
    codeOffset ??= offset;
    atomic.read(word.toLowerCase());
  }
  finish(text.length);

  return statements;
}

function* tokensOf(text: string): Generator<{ text: string; offset: number }> {
  let offset = 0;

  while (offset < text.length) {
    token.lastIndex = offset;
    const found = token.exec(text)?.[0] ?? '';
    const word = found === '/*' ? text.slice(offset, commentEnd(text, offset)) : found;
    yield { text: word, offset };
    offset += word.length;
  }
}

// Block comments nest in SQL.
function commentEnd(text: string, start: number): number {
  const mark = /\/\*|\*\//g;
  mark.lastIndex = start;
  let depth = 0;

  for (let found = mark.exec(text); found !== null; found = mark.exec(text)) {
    depth += found[0] === '/*' ? 1 : -1;
    if (depth === 0) return mark.lastIndex;
  }

  return text.length;
}

// The body of a SQL-standard function, `begin atomic … end`, has semicolons of its own, and `case … end` inside.
function createAtomicBody(): { isOpen(): boolean; read(word: string): void } {
  let depth = 0;
  let before = '';

  return {
    isOpen: () => depth > 0,
    read(word) {
      if (depth === 0 && before === 'begin' && word === 'atomic') depth = 1;
      else if (depth > 0 && word === 'case') depth += 1;
      else if (depth > 0 && word === 'end') depth -= 1;
      before = word;
    },
  };
}
