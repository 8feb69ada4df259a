// The terminal: results to stdout, everything else to stderr, and lines that are drawn anew in place.
import { stripVTControlCharacters, styleText } from 'node:util';

import { createLogUpdate } from 'log-update';

import type { Redactor } from '../core/redact.ts';

export type Colour = 'green' | 'red' | 'yellow' | 'cyan' | 'dim' | 'bold';

export type Screen = {
  /** True when lines can be drawn anew in place. */
  isLive: boolean;
  columns(): number;
  /** Writes one line of the result. */
  result(line: string): void;
  /** Writes one line for people; above the live lines when there are any. */
  say(line: string): void;
  /** Draws the live lines; the empty list takes them away. */
  draw(lines: string[]): void;
  /** Leaves the live lines as they are and goes on below them. */
  keep(): void;
  paint(colour: Colour, text: string): string;
  /** Everything that is written passes through it: what is registered with it never shows. */
  redactor: Redactor;
};

const narrow = 80;

/** `styleText` and the colours follow NO_COLOR and FORCE_COLOR by themselves. */
export function createScreen(
  { out, err }: { out: NodeJS.WriteStream; err: NodeJS.WriteStream },
  redactor: Redactor,
): Screen {
  const live = createLogUpdate(err);
  // A terminal without rows (some CI systems have one) would show none of the live lines.
  const isLive = err.isTTY && process.env.TERM !== 'dumb' && err.rows > 0;
  let isDrawn = false;

  // A live region on the same terminal would be torn by a bare write: go above it.
  const write = (stream: NodeJS.WriteStream, text: string): void => {
    const line = redactor.known(text);
    if (isDrawn && stream.isTTY) live.persist(line);
    else stream.write(`${line}\n`);
  };

  return {
    redactor,
    isLive,
    columns: () => err.columns || narrow,
    result: (line) => write(out, line),
    say: (line) => write(err, line),
    draw(lines) {
      isDrawn = lines.length > 0;
      if (isDrawn) live(redactor.known(lines.join('\n')));
      else live.clear();
    },
    keep() {
      if (isDrawn) live.done();
      isDrawn = false;
    },
    paint(colour, text) {
      return isLive ? styleText(colour, text, { stream: err }) : stripVTControlCharacters(text);
    },
  };
}
