// The daemon as a service of the system: what launchd and systemd are asked to do, in one shape.
import type { RunCommand } from './commands.ts';

/** `user`: runs while that user is known to the system. `system`: from boot on, as a named user. */
export type Scope = 'user' | 'system';

export type UnitStatus = {
  scope: Scope;
  /** The unit file, whether or not it is there. */
  file: string;
  installed: boolean;
  running: boolean;
  pid: number | null;
  /** Whether the file is what `install` would write now; null when it is not installed. */
  unchanged: boolean | null;
  /** How the last run of it ended, in the system's words; null when it never did, or nobody knows. */
  lastExit: string | null;
};

/** `notes` are for people: what remains to be done, or what was found. */
export type Changed = { changed: boolean; notes: string[] };

/** Every verb may be repeated. They throw `unit_failed` with what the system said. */
export type Unit = {
  scope: Scope;
  /** Writes the unit, loads it and sees that it runs. */
  install(): Promise<Changed>;
  uninstall(): Promise<Changed>;
  restart(): Promise<void>;
  /** Changes nothing, and does not throw where the system does not answer. */
  status(): Promise<UnitStatus>;
};

/** The user that the daemon runs as. */
export type Account = { name: string; uid: number; gid: number; homeFolder: string };

export type UnitOptions = {
  scope: Scope;
  /** `NIGHTSHIFT_HOME`, absolute. */
  home: string;
  /** Where this installation is: `launchd/` and `bin/` are in it. */
  installation: string;
  account: Account;
  run: RunCommand;
  /** The Node that runs us, and where to look for a better one; default: the usual places. */
  node: { path: string; version: string; candidates?: readonly string[] };
  /** The root that system units are written below. Tests give another one than `/`. */
  root: string;
  delay(ms: number): Promise<void>;
};

export const unitName = 'nightshift';
export const unitLabel = 'dev.nightshift.daemon';
