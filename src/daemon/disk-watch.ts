// Looks at the free space of the disks, and says when nothing more is to be claimed: work stops before the database does.
import { lowWaterOf } from '../core/disk.ts';
import { messageOf } from '../core/errors.ts';
import type { Clock, Log } from '../core/ports.ts';
import { isWorthSaying } from './persist.ts';
import { scrub } from './scrub.ts';
import { createTicker } from './ticker.ts';

/** In bytes. Folders on the same `disk` are told as one. */
export type Space = { free: number; total: number; disk: string };

export type Volumes = {
  /** Where the daemon writes: its home, and the results. */
  folders: readonly string[];
  /** The disk that a folder is on, or will be. */
  space(folder: string): Promise<Space>;
  /** Below so much free space nothing is claimed; 0: whatever there is will do. */
  lowWaterMb: number;
  everyMs: number;
};

export type DiskWatchPorts = {
  /** Null: nothing is looked at, and only writes that fail count. */
  volumes: Volumes | null;
  clock: Clock;
  log: Log;
  /** Hears at each look why nothing is to be claimed, or null. */
  tell(reason: string | null): void;
  /** Called when claims may go on. */
  resumed(): void;
};

export type DiskWatch = {
  /** Why nothing is to be claimed now; null when there is room. Costs nothing. */
  reason(): string | null;
  /** Looks now. Never rejects. */
  check(): Promise<void>;
  /** Looks soon, unless it has just looked. */
  glance(): void;
  /** A write found no room: nothing is claimed for a while, longer each time, whatever the disk says of itself. */
  full(detail: string): void;
  start(): void;
  stop(): Promise<void>;
};

const resumeFactor = 1.2;
const glanceMs = 1_000;
const longestHoldMs = 300_000;
const usualEveryMs = 10_000;

type State = {
  low: Set<string>;
  lowText: string | null;
  /** Why a write that failed is waited for. */
  held: string | null;
  heldUntil: number;
  holdMs: number;
  lookedAt: number;
  silent: number;
  said: string | null;
};

export function createDiskWatch(ports: DiskWatchPorts): DiskWatch {
  const { volumes, clock, log } = ports;
  const everyMs = volumes?.everyMs ?? usualEveryMs;
  const state: State = {
    low: new Set(),
    lowText: null,
    held: null,
    heldUntil: -Infinity,
    holdMs: 0,
    lookedAt: -Infinity,
    silent: 0,
    said: null,
  };
  const reason = (): string | null => state.lowText ?? state.held;

  async function check(): Promise<void> {
    state.lookedAt = clock.monotonic();
    if (volumes !== null) await look(state, volumes, log);
    if (clock.monotonic() >= state.heldUntil) state.held = null;
    announce();
  }

  function announce(): void {
    const now = reason();
    ports.tell(now);
    if ((now === null) === (state.said === null)) return;
    state.said = now;
    if (now === null) {
      log.info('there is room on the disk again: claims go on');
      ports.resumed();
    } else log.warn('nothing is claimed for now: the disk is too full', { reason: now });
  }

  const ticker = createTicker(clock, async () => {
    await check();
    const leftMs = state.held === null ? everyMs : state.heldUntil - clock.monotonic();
    return Math.max(1, Math.min(everyMs, leftMs));
  });

  return {
    reason,
    check,
    glance() {
      if (volumes !== null && clock.monotonic() - state.lookedAt > glanceMs) ticker.knock();
    },
    full(detail) {
      hold(state, { detail, everyMs, now: clock.monotonic() });
      announce();
      ticker.knock();
    },
    start: () => ticker.start(everyMs),
    stop: () => ticker.stop(),
  };
}

/** Several writes that fail at the same time are one reason to wait; one that fails soon after the wait prolongs the next. */
function hold(
  state: State,
  { detail, everyMs, now }: { detail: string; everyMs: number; now: number },
): void {
  if (state.held !== null) return;
  const isAgain = now - state.heldUntil < longestHoldMs;

  state.holdMs = isAgain ? Math.min(longestHoldMs, state.holdMs * 2) : everyMs;
  state.heldUntil = now + state.holdMs;
  state.held = detail;
}

async function look(state: State, volumes: Volumes, log: Log): Promise<void> {
  const texts = new Map<string, string>();
  const low = new Set<string>();

  for (const folder of new Set(volumes.folders)) {
    const space = await volumes.space(folder).catch((error: unknown) => {
      state.silent += 1;
      if (isWorthSaying(state.silent)) {
        log.warn('the free space of a disk is not known', {
          folder,
          error: scrub(messageOf(error)),
        });
      }
      return null;
    });
    // What is not known stays as it was.
    if (space === null ? state.low.has(folder) : isLow(space, volumes, state.low.has(folder))) {
      low.add(folder);
    }
    if (low.has(folder) && space !== null && !texts.has(space.disk)) {
      texts.set(space.disk, textOf(folder, space, volumes));
    }
  }

  const isSame = low.size === state.low.size && [...low].every((folder) => state.low.has(folder));
  if (!isSame || low.size === 0)
    state.lowText = low.size === 0 ? null : [...texts.values()].join('; ');
  state.low = low;
}

function isLow({ free, total }: Space, { lowWaterMb }: Volumes, wasLow: boolean): boolean {
  return free < lowWaterOf(total, lowWaterMb) * (wasLow ? resumeFactor : 1);
}

function textOf(folder: string, { free, total }: Space, { lowWaterMb }: Volumes): string {
  const mark = lowWaterOf(total, lowWaterMb);

  return (
    `only ${megabytes(free)} free at ${folder} (disk.low_water_mb: ${megabytes(mark)}). Free some space: ` +
    `it goes on by itself at ${megabytes(mark * resumeFactor)}`
  );
}

function megabytes(bytes: number): string {
  const value = bytes / 1_000_000;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} MB`;
}
