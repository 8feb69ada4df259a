// Makes a clone ready to run: installs what the lockfile wants and is missing, and finds a Node that runs TypeScript.
// Plain JavaScript for any Node from 16 on, since this is what meets a machine first; no dependency is there yet.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the clone, or of the installed package. */
export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

const wantedNode = 24;
const tooOld = 69; // EX_UNAVAILABLE: nothing is wrong with the command, but this machine cannot run it.

/**
 * Installs when a package that package-lock.json wants is missing or of another version. Does nothing where there is
 * no lockfile (an installed package). `dev` asks for the tools of development too. Ends the process on failure.
 */
export async function installMissing({ dev }) {
  if (!existsSync(path.join(root, 'package-lock.json')) || missingPackage(dev) === undefined)
    return;

  const release = await takeTurn();
  try {
    const missing = missingPackage(dev);
    if (missing === undefined) return;

    say(
      `installing dependencies (${missing} is missing or of another version); this takes a minute`,
    );
    const status = npmCi(dev);
    if (status !== 0)
      fail(`npm ci failed: mend what it reports above, then try again`, status || 1);
    say('dependencies are installed');
  } finally {
    release();
  }
}

/** The first package that has to be installed, or undefined when all are there. */
function missingPackage(dev) {
  const wanted = readJson('package-lock.json')?.packages ?? {};
  const installed = readJson('node_modules/.package-lock.json')?.packages ?? {};
  const direct = wanted['']?.optionalDependencies ?? {};

  for (const [place, entry] of Object.entries(wanted)) {
    const name = place.slice('node_modules/'.length);
    if (place === '' || (entry.dev && !dev)) continue;
    // Optional packages of our packages are theirs to miss; our own are the database and the runtime.
    if ((entry.optional || entry.devOptional) && !(name in direct && fits(entry))) continue;
    const isThere = existsSync(path.join(root, place));
    if (!isThere || installed[place]?.version !== entry.version) return name;
  }
  return undefined;
}

function fits(entry) {
  const matches = (list, value) => list === undefined || list.includes(value);
  return matches(entry.os, process.platform) && matches(entry.cpu, process.arch);
}

function readJson(file) {
  try {
    return JSON.parse(readFileSync(path.join(root, file), 'utf8'));
  } catch {
    return undefined;
  }
}

/** Runs npm with progress on stderr: stdout belongs to the command's own result. */
function npmCi(dev) {
  // A `node` inside node_modules would be deleted under npm while it runs: leave only the machine's own.
  const inside = path.join('node_modules', '.bin');
  const searchPath = (process.env.PATH ?? '')
    .split(path.delimiter)
    .filter((at) => !at.endsWith(inside));
  // Said aloud, since NODE_ENV=production or a user's `omit` setting would leave out what we need.
  const include = ['--include=optional', dev ? '--include=dev' : '--include=prod'];

  const done = spawnSync('npm', ['ci', '--loglevel=error', ...include], {
    cwd: root,
    env: { ...process.env, PATH: searchPath.join(path.delimiter) },
    stdio: ['ignore', 2, 2],
  });
  if (done.error) fail(`npm cannot be run (${done.error.message}): install npm, then try again`, 1);
  return done.status ?? 1;
}

/** Two commands in one fresh clone must not install over each other: the second waits for the first. */
async function takeTurn() {
  const file = path.join(root, '.install.lock');
  for (let waited = false; ; waited = true) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' });
      return () => rmSync(file, { force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') return () => {};
    }
    if (!isAlive(file)) rmSync(file, { force: true });
    else if (!waited) say('another command is installing dependencies: waiting for it');
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function isAlive(file) {
  try {
    process.kill(Number(readFileSync(file, 'utf8')) || -1, 0);
    return true;
  } catch (error) {
    return error.code !== 'ESRCH';
  }
}

/** The path of a Node that is new enough. Ends the process with one clear message where there is none. */
export function findNode() {
  if (isNewEnough(process.versions.node)) return process.execPath;

  const pinned = path.join(root, 'node_modules', `node-linux-${process.arch}`, 'bin', 'node');
  if (process.platform === 'linux' && existsSync(pinned)) return pinned;

  const how =
    process.platform === 'darwin'
      ? 'run `brew install node@24` (and follow what it says about PATH), or take the installer from https://nodejs.org'
      : 'install it from https://nodejs.org, or run `npm ci --include=optional` in this folder';
  return fail(
    `needs Node ${wantedNode} or newer, this is ${process.versions.node}: ${how}`,
    tooOld,
  );
}

export function isNewEnough(version) {
  return Number(version.split('.')[0]) >= wantedNode;
}

/** Runs Node in a child that stands in for this process: same terminal, signals passed on, same end. */
export function become(node, args) {
  const child = spawn(node, args, {
    stdio: 'inherit',
    // Whatever the child starts by the name `node` has to be the same Node.
    env: {
      // A quarter less memory for a daemon that has worked: glibc keeps a pool of freed memory per thread otherwise.
      MALLOC_ARENA_MAX: '1',
      ...process.env,
      PATH: path.dirname(node) + path.delimiter + (process.env.PATH ?? ''),
    },
  });
  // A terminal sends Ctrl-C to both of us: passed on too, it would count as asking twice.
  const passOn = (signal) => (signal === 'SIGINT' && process.stdin.isTTY) || child.kill(signal);
  const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'];
  for (const signal of signals) process.on(signal, passOn);

  child.on('error', (error) => fail(`cannot run ${node}: ${error.message}`, 1));
  child.on('exit', (code, signal) => {
    for (const name of signals) process.off(name, passOn);
    if (signal === null) process.exit(code);
    else process.kill(process.pid, signal);
  });
}

function say(text) {
  process.stderr.write(`nightshift: ${text}\n`);
}

function fail(text, code) {
  say(text);
  process.exit(code);
}
