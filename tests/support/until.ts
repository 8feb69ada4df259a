// Waits for a condition by looking again and again, within a bound.
import { setTimeout as pause } from 'node:timers/promises';

const lookMs = 20;

/** Resolves with the first value that is there; after `boundMs` it fails with what `why` says. Throws what `look` throws. */
export async function until<Value>(
  look: () => Promise<Value | undefined | false> | Value | undefined | false,
  { boundMs = 30_000, why = () => look.toString() }: { boundMs?: number; why?: () => string } = {},
): Promise<Value> {
  const end = performance.now() + boundMs;

  for (;;) {
    const value = await look();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > end) throw new Error(`never came true: ${why()}`);
    await pause(lookMs);
  }
}
