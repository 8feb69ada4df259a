// How big a chaos suite runs: a quick form within `npm test`, the long one with `npm run test:chaos`.
import { randomInt } from 'node:crypto';

export const isLong = process.env['CHAOS'] === 'long';

/** The figure for the form that runs: `quick` in `npm test`, `long` in `npm run test:chaos`. */
export function scaled<Value>(quick: Value, long: Value): Value {
  return isLong ? long : quick;
}

/** The seed of this run: CHAOS_SEED repeats one that failed. Suites name it where they fail. */
export const seed: number = Number(process.env['CHAOS_SEED'] ?? randomInt(2 ** 31));

/** Random numbers from 0 to 1 that the seed decides (mulberry32). */
export function randomOf(start: number): () => number {
  let state = start >>> 0;

  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
