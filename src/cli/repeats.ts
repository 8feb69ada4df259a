// Lets a line through once, and then only how often it came again: an outage must not fill the disk.

export type Level = 'debug' | 'info' | 'warn' | 'error';
export type Entry = { level: Level; message: string; fields: Record<string, unknown> };

export type Repeats = {
  take(entry: Entry): void;
  /** Says what is still to be said. */
  flush(): void;
};

/** Repetitions are told after so long, and the line may then be written anew. */
const windowMs = 60_000;
const mostRemembered = 200;

type Seen = { entry: Entry; at: number; repeated: number };

/** Several lines may alternate: each is counted by itself. `now` is monotonic. */
export function collapseRepeats(
  write: (entry: Entry) => void,
  now: () => number = () => performance.now(),
): Repeats {
  const seen = new Map<string, Seen>();
  let timer: NodeJS.Timeout | undefined;

  function forget(isOver: (one: Seen) => boolean): void {
    for (const [key, one] of seen) {
      if (!isOver(one)) continue;
      seen.delete(key);
      if (one.repeated > 0) write(told(one));
    }
  }

  // What came again is told also when nothing else is said any more.
  function remind(): void {
    timer ??= setTimeout(() => {
      timer = undefined;
      forget(({ at }) => now() - at >= windowMs);
      if ([...seen.values()].some(({ repeated }) => repeated > 0)) remind();
    }, windowMs).unref();
  }

  return {
    flush: () => forget(() => true),
    take(entry) {
      forget(({ at }) => now() - at >= windowMs);
      const key = keyOf(entry);
      const before = seen.get(key);
      if (before !== undefined) {
        before.repeated += 1;
        remind();
        return;
      }

      write(entry);
      seen.set(key, { entry, at: now(), repeated: 0 });
      if (seen.size > mostRemembered) {
        const oldest = seen.values().next().value;
        forget((one) => one === oldest);
      }
    },
  };
}

function told({ entry, repeated }: Seen): Entry {
  const times = repeated === 1 ? 'once more' : `${repeated} times`;
  return {
    ...entry,
    message: `${entry.message} (repeated ${times})`,
    fields: { ...entry.fields, repeated },
  };
}

/** Delays and times differ from one try to the next by chance. */
function keyOf({ level, message, fields }: Entry): string {
  const rest = Object.entries(fields).filter(([name]) => !/(Ms|Seconds|At)$/.test(name));

  return JSON.stringify([level, message, rest]);
}
