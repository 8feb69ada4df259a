// Temporary homes with spawned daemons on them, and the command line beside: the product as its users meet it.
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { type ReadyFile, readReadyFile } from '../../src/daemon/ready-file.ts';
import { urlOf } from '../../src/postgres/connection.ts';
import { scratchFolder } from './cluster.ts';
import { stopOrphan } from './postmaster.ts';
import { type Spawned, spawnNode, tellReaper } from './spawned.ts';
import { until } from './until.ts';

const ours = fileURLToPath(new URL('../../', import.meta.url));
// Compiled code of one program serves the next: this halves what each start costs.
const compileCache = path.join(ours, 'node_modules', '.cache', 'nightshift-tests');

export type Variables = Record<string, string>;

export type Daemon = Spawned & {
  ready: ReadyFile;
  /** SIGTERM; resolves with how it ended. */
  stop(): Promise<number | string>;
  /** kill -9; resolves once it is gone. */
  murder(): Promise<void>;
};

export type Finished = { code: number | string; stdout: string; stderr: string };

export type Home = AsyncDisposable & {
  /** NIGHTSHIFT_HOME. */
  path: string;
  /** Writes a file beside the home, where commands run; returns its path. */
  write(name: string, content: string): Promise<string>;
  /** Starts a daemon and waits until it serves. Without `--no-sample` the first start has a sample brief. */
  start(options?: { args?: string[]; env?: Variables }): Promise<Daemon>;
  /** Spawns a daemon and waits for nothing. */
  launch(options?: { args?: string[]; env?: Variables }): Spawned;
  /** A launched daemon once it serves; fails when it ends instead. */
  served(child: Spawned): Promise<Daemon>;
  /** Runs a command to its end. */
  run(...args: string[]): Promise<Finished>;
  /** The result that a command writes with `--json`; fails when it ends with another code than 0. */
  json(...args: string[]): Promise<unknown>;
};

/**
 * A home that does not exist yet, in a temporary folder. Commands on it see `variables` and hardly anything else. Disposing
 * kills what still runs there, PostgreSQL too, and removes it. `root` is the installation whose program runs: ours by default.
 */
export async function temporaryHome(
  variables: Variables = {},
  { root = ours }: { root?: string } = {},
): Promise<Home> {
  const folder = await mkdtemp(path.join(await scratchFolder(), 'nightshift-e2e-'));
  // A PostgreSQL under another account has to pass through; the home itself stays closed.
  await chmod(folder, 0o711);
  const home = path.join(folder, 'home');
  const main = path.join(root, 'src', 'cli', 'main.ts');
  tellReaper('made', home);
  const children: Spawned[] = [];

  function spawn(args: string[], extra: Variables = {}): Spawned {
    const env = { ...scrubbed(folder), NIGHTSHIFT_HOME: home, ...variables, ...extra };
    const child = spawnNode([main, ...args], { env, cwd: folder });
    children.push(child);
    return child;
  }

  async function run(...args: string[]): Promise<Finished> {
    const child = spawn(args);
    const code = await child.ended;
    return { code, stdout: child.stdout(), stderr: child.stderr() };
  }

  return {
    path: home,
    run,
    async write(name, content) {
      const file = path.join(folder, name);
      await writeFile(file, content);
      return file;
    },
    async json(...args) {
      const { code, stdout, stderr } = await run(...args, '--json');
      if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}: ${stderr}`);
      return JSON.parse(stdout);
    },
    launch: ({ args = [], env = {} } = {}) => spawn(['start', ...args], env),
    served: async (child) => asDaemon(child, await serving(child, home)),
    async start({ args = [], env = {} } = {}) {
      const child = spawn(['start', ...args], env);
      return asDaemon(child, await serving(child, home));
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(children.map((child) => child[Symbol.asyncDispose]()));
      await stopOrphan(home);
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
      tellReaper('removed', home);
    },
  };
}

function scrubbed(folder: string): Variables {
  const { PATH = '/usr/bin:/bin', LANG = 'C.UTF-8' } = process.env;

  return { PATH, LANG, HOME: folder, NODE_COMPILE_CACHE: compileCache };
}

/** The ready file of this very child; fails at once when the child ends instead. */
async function serving(child: Spawned, home: string): Promise<ReadyFile> {
  const look = async (): Promise<ReadyFile | undefined> => {
    const ready = await readReadyFile(home);
    if (ready?.pid === child.pid) return ready;
    if (child.hasEnded()) throw new Error(`the daemon ended: ${child.stderr()}`);
    return undefined;
  };

  return await until(look, { why: () => `the daemon serves; it says: ${child.stderr()}` });
}

function asDaemon(child: Spawned, ready: ReadyFile): Daemon {
  return {
    ...child,
    ready,
    async stop() {
      child.kill('SIGTERM');
      return await child.ended;
    },
    async murder() {
      child.kill('SIGKILL');
      await child.ended;
    },
  };
}

/** Logs in to a daemon's own PostgreSQL as its owner. */
export async function ownerUrl({ database }: ReadyFile): Promise<string> {
  if (!database) throw new Error('this daemon has no PostgreSQL of its own');
  const { host, port, name, user, password_file: file } = database;

  return urlOf({
    host,
    port,
    user,
    password: (await readFile(file, 'utf8')).trim(),
    database: name,
  });
}
