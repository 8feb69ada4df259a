// Stand-ins for the system's programs: small shell scripts on a PATH of their own, which keep a list of their calls.
import { readFileSync } from 'node:fs';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { createRunCommand, type RunCommand } from '../../src/install/commands.ts';
import { freshFolder } from '../support/folder.ts';

export type Programs = AsyncDisposable & {
  /** A temporary folder for whatever the test needs, with the state of the programs in it. */
  folder: string;
  /** To be put on PATH. */
  path: string;
  run: RunCommand;
  /** What one of them was called with, in order. */
  calls(name: string): string[];
  /** What a script wrote to `$S/<name>`; empty when there is nothing. */
  read(name: string): string;
  /** Writes a file that the scripts look at, as `$S/<name>`. */
  set(name: string, text: string): Promise<void>;
};

/** `scripts` are bodies for `sh`, by program name; `$S` is the folder of their state. */
export async function fakePrograms(scripts: Record<string, string>): Promise<Programs> {
  const folder = await freshFolder();
  const bin = path.join(folder.path, 'bin');
  const state = path.join(folder.path, 'state');
  await mkdir(bin);
  await mkdir(state);

  for (const [name, script] of Object.entries(scripts)) {
    const file = path.join(bin, name);
    await writeFile(file, `#!/bin/sh\nS='${state}'\necho "$@" >> "$S/${name}.calls"\n${script}\n`);
    await chmod(file, 0o755);
  }
  const searched = `${bin}:/usr/bin:/bin`;

  return {
    folder: folder.path,
    path: searched,
    run: createRunCommand({ PATH: searched }),
    calls: (name) =>
      textOf(path.join(state, `${name}.calls`))
        .split('\n')
        .filter(Boolean),
    read: (name) => textOf(path.join(state, name)),
    set: (name, text) => writeFile(path.join(state, name), text),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/**
 * launchctl as its man page and its answers have it. `$S/domains` lists the domains that there are; with `$S/slow` a job
 * takes that many more looks to go away; `$S/busy` is how many times a bootstrap is answered with 37.
 */
export const launchctl = `
domain_of() { case $1 in system/*) echo system;; *) echo "\${1%/*}";; esac; }
job_of() { echo "$S/job-$(echo "$1" | tr / _)"; }
has_domain() { grep -qx "$1" "$S/domains"; }
count_down() { n=$(cat "$S/$1" 2>/dev/null || echo 0); [ "$n" -gt 0 ] && echo $((n - 1)) > "$S/$1"; }
case $1 in
print)
  case $2 in
  */*/*|system/*)
    has_domain "$(domain_of "$2")" || { echo "Could not find domain" >&2; exit 125; }
    job=$(job_of "$2")
    if [ -e "$job.leaving" ]; then count_down slow || rm -f "$job" "$job.leaving"; fi
    [ -e "$job" ] || { echo "Could not find service in domain" >&2; exit 113; }
    printf '%s = {\\n\\tstate = running\\n\\n\\tpid = %s\\n\\tlast exit code = (never exited)\\n}\\n' "$2" "$(cat "$job")";;
  *) has_domain "$2" || { echo "Could not find domain for" >&2; exit 113; };;
  esac;;
bootstrap)
  has_domain "$2" || { echo "Bootstrap failed: 125: Domain does not support specified action" >&2; exit 125; }
  count_down busy && { echo "Bootstrap failed: 37: Operation already in progress" >&2; exit 37; }
  job=$(job_of "$2/$(basename "$3" .plist)")
  [ -e "$3" ] && [ ! -e "$job" ] || { echo "Bootstrap failed: 5: Input/output error" >&2; exit 5; }
  case $2 in user/*) grep -q Background "$3" || { echo "Bootstrap failed: 5: Input/output error" >&2; exit 5; };; esac
  echo 4242 > "$job";;
bootout)
  job=$(job_of "$2")
  [ -e "$job" ] || { echo "Boot-out failed: 3: No such process" >&2; exit 3; }
  : > "$job.leaving";;
kickstart)
  job=$(job_of "$3")
  [ "$2" = -k ] && [ -e "$job" ] || { echo "Could not find service" >&2; exit 113; }
  echo 4343 > "$job";;
enable) ;;
*) echo "Unrecognized subcommand: $1" >&2; exit 64;;
esac`;

/** systemctl with one unit: `$S/unit` holds its state. \`$S/no-bus\` makes it fail as it does without a session. */
export const systemctl = `
[ "$1" = --user ] && shift
[ -e "$S/no-bus" ] && { echo "Failed to connect to bus: No medium found" >&2; exit 1; }
case $1 in
show)
  state=$(cat "$S/unit" 2>/dev/null || echo inactive)
  pid=0; [ "$state" = active ] && pid=4242
  printf 'ActiveState=%s\\nMainPID=%s\\nResult=success\\nExecMainStatus=0\\nExecMainExitTimestamp=\\n' "$state" "$pid";;
restart) echo active > "$S/unit";;
disable) echo inactive > "$S/unit";;
daemon-reload|enable) ;;
*) echo "Unknown command verb $1." >&2; exit 1;;
esac`;
