// Checks of the home: its permissions, its configuration and secrets, its daemon, the port of its API.
import { constants } from 'node:fs';
import { access, chmod, readdir, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';

import { z } from 'zod';

import { adviceFor } from '../../core/advice.ts';
import { type Check, fail, type Finding, ok, skip, warn } from './check.ts';
import { type DoctorPorts, secretsOf } from '../ports.ts';

const others = 0o077;
/** PostgreSQL has an account of its own where we are root: it passes through the home. */
const passage = 0o011;

export function homeChecks(ports: DoctorPorts): Check[] {
  return [
    { id: 'home', look: () => checkHome(ports) },
    { id: 'config', look: async () => checkConfig(ports) },
    { id: 'secrets', look: () => checkSecretFiles(ports) },
    { id: 'ports', look: () => checkPorts(ports) },
    { id: 'daemon', look: () => checkDaemon(ports) },
  ];
}

async function checkHome({ home }: DoctorPorts): Promise<Finding> {
  const found = await stat(home).catch(() => null);
  if (found === null) return skip(`${home} is not there yet: the first start makes it`);
  if (!found.isDirectory()) return fail(`${home} is no folder`, 'name another one with --home');

  const uid = process.getuid?.() ?? found.uid;
  const isWritable = await access(home, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
  if (!isWritable || (uid !== 0 && found.uid !== uid)) {
    return fail(`${home} belongs to someone else`, `run sudo chown -R ${uid} ${home}`);
  }
  const allowed = uid === 0 ? passage : 0;
  if ((found.mode & others & ~allowed) === 0) return ok(`${home} is yours alone`);
  return {
    ...fail(`${home} is open to other users of this machine`, `run chmod 700 ${home}`),
    async fix() {
      await chmod(home, 0o700 | allowed);
      return `closed ${home} to others`;
    },
  };
}

function checkConfig({ configProblem }: DoctorPorts): Finding {
  if (configProblem === null) return ok('the configuration is valid');
  return fail(configProblem.replace(/\s+/g, ' '), 'mend config.yaml, .env or the environment');
}

async function checkSecretFiles(ports: DoctorPorts): Promise<Finding> {
  const files = await secretFiles(ports);
  const modes = await Promise.all(
    files.map(async (file) => ({ file, mode: (await stat(file).catch(() => null))?.mode ?? 0 })),
  );
  const open = modes.filter(({ mode }) => (mode & others) !== 0).map(({ file }) => file);

  if (open.length === 0) return ok('files with secrets are readable by you alone');
  return {
    ...fail(`readable by others: ${open.join(', ')}`, `run chmod 600 ${open.join(' ')}`),
    async fix() {
      await Promise.all(open.map((file) => chmod(file, 0o600)));
      return `closed ${open.join(', ')} to others`;
    },
  };
}

async function secretFiles(ports: DoctorPorts): Promise<string[]> {
  const { home, homeFacts } = ports;
  const { GOOGLE_SERVICE_ACCOUNT_FILE: account } = secretsOf(ports);
  const { owner } = await homeFacts();
  const postgres = path.join(home, 'postgres');
  const names = await readdir(postgres).catch(() => []);
  const passwords = names.filter((name) => name.endsWith('.password'));

  return [
    path.join(home, '.env'),
    ...passwords.map((name) => path.join(postgres, name)),
    ...(owner?.token_file ? [owner.token_file] : []),
    ...(account === undefined ? [] : [path.resolve(account)]),
  ];
}

const WithPort = z.looseObject({ api: z.looseObject({ port: z.number() }) });

async function checkPorts(ports: DoctorPorts): Promise<Finding> {
  const wanted = WithPort.safeParse(ports.config?.settings).data?.api.port ?? 0;
  const { isTaken } = await ports.homeFacts();
  if (isTaken) return ok('the daemon has its ports');

  const fault = await listenOnce(wanted);
  if (fault === null) return ok(wanted === 0 ? 'free ports can be had' : `port ${wanted} is free`);
  return fault === 'EADDRINUSE'
    ? fail(`port ${wanted} is taken by another program`, 'set api.port to another one, or to 0')
    : fail(`cannot listen on 127.0.0.1 (${fault})`, 'see what keeps programs from listening there');
}

/** Null when it worked, else the system's code. */
function listenOnce(port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(null)));
  });
}

async function checkDaemon(ports: DoctorPorts): Promise<Finding> {
  const { owner, left, isTaken, recovery, troubles = [] } = await ports.homeFacts();
  const [trouble] = troubles;

  if (recovery) {
    const { pid, since, reason, code } = recovery;
    return fail(
      `a daemon has been in recovery mode since ${since} (pid ${pid}): ${reason.replace(/\s+/g, ' ')}`,
      adviceFor(code),
    );
  }
  if (owner !== null && trouble !== undefined) {
    return fail(
      `a daemon serves (pid ${owner.pid}), but works on nothing: ${trouble.message}`,
      'mend that: it goes on by itself',
    );
  }
  if (owner !== null) {
    const serves = `a daemon serves (pid ${owner.pid}, since ${owner.started_at})`;
    if (owner.version === ports.version) return ok(serves);
    return warn(
      `${serves}, but it is version ${owner.version} and this is ${ports.version}`,
      'restart it: nightshift service restart',
    );
  }
  if (isTaken) {
    return warn(
      'a daemon has this home, but does not serve yet',
      'see nightshift logs if it stays',
    );
  }
  if (left === null) {
    return warn('no daemon runs', 'run nightshift service install, or nightshift start');
  }
  return {
    ...warn(`the last daemon (pid ${left.pid}) ended without a goodbye`, 'start it again'),
    async fix() {
      await ports.setAside();
      return 'put its ready file aside';
    },
  };
}
