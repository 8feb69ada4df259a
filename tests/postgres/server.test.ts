// The embedded server: its life, and what of it is closed to whom.
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { withClient } from '../../src/postgres/connection.ts';
import { findPostmaster } from '../../src/postgres/postmaster.ts';
import { startPostgres, type PostgresServer } from '../../src/postgres/server.ts';
import { silentLog } from '../support/cluster.ts';
import { eventually, startOn, temporaryHome, type Home } from './home.ts';

describe('a running server', () => {
  let home: Home;
  let server: PostgresServer;

  beforeAll(async () => {
    process.env.OPENAI_API_KEY = 'sk-a-key-that-must-not-travel';
    home = await temporaryHome();
    server = await startOn(home);
  });

  afterAll(async () => {
    await server.stop();
    await home[Symbol.asyncDispose]();
    delete process.env.OPENAI_API_KEY;
  });

  test('lets workers in as service_role, neither owner nor superuser', async () => {
    const login = `select current_user, session_user, current_setting('is_superuser') as super`;

    const { rows } = await withClient(server.workerUrl, (client) => client.query(login));

    expect(rows).toEqual([
      { current_user: 'service_role', session_user: 'nightshift_worker', super: 'off' },
    ]);
  });

  test('lets a worker become a user of the API, and no more', async () => {
    const change = (role: string): Promise<unknown> =>
      withClient(server.workerUrl, (client) => client.query(`set role ${role}`));

    await change('authenticated');
    await change('anon');

    await expect(change('postgres')).rejects.toThrow('permission denied');
  });

  test('takes no login without the right password', async () => {
    const url = new URL(server.adminUrl);
    url.password = 'wrong';

    const login = withClient(url.href, (client) => client.query('select'));

    await expect(login).rejects.toMatchObject({ code: '28P01' });
  });

  test('keeps passwords and data from other users of the machine', async () => {
    const folder = join(home.path, 'postgres');
    const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

    const names = await readdir(folder);

    for (const name of ['owner.password', 'worker.password']) {
      expect(await modeOf(join(folder, name))).toBe(0o600);
    }
    expect(await modeOf(join(folder, 'data'))).toBe(0o700);
    expect((await modeOf(folder)) & 0o066).toBe(0);
    expect(names.filter((name) => name.startsWith('unfinished'))).toEqual([]);
  });

  test.runIf(process.platform === 'linux')('knows nothing of our environment', async () => {
    const environment = await readFile(`/proc/${server.pid()}/environ`, 'utf8');

    const names = environment.split('\0').filter(Boolean);

    // PostgreSQL adds names of its own, which all start with PG.
    const allowed = /^(PATH|LANG|LC_ALL|TZ|PG\w+)=/;
    expect(names.filter((name) => !allowed.test(name))).toEqual([]);
    expect(environment).not.toContain('sk-a-key');
  });

  test.runIf(process.platform === 'linux')('does not hear the Ctrl-C of our terminal', async () => {
    const text = await readFile(`/proc/${server.pid()}/stat`, 'utf8');

    const group = Number(text.slice(text.lastIndexOf(')')).split(' ')[3]);

    expect(group).toBe(server.pid());
  });

  test('listens on the loopback address only', async () => {
    const settings = `select current_setting('listen_addresses') as addresses,
      current_setting('unix_socket_directories') as sockets`;
    const outside = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .filter(({ internal, family }) => !internal && family === 'IPv4');

    const { rows } = await withClient(server.adminUrl, (client) => client.query(settings));
    const accepted = await Promise.all(outside.map(({ address }) => accepts(address, server.port)));

    expect(rows).toEqual([{ addresses: '127.0.0.1', sockets: '' }]);
    expect(accepted).not.toContain(true);
  });

  test('checks its pages and speaks UTF-8', async () => {
    const { rows } = await withClient(server.adminUrl, (client) =>
      client.query(`select current_setting('data_checksums') as checksums, upper('é') as upper,
        current_setting('server_encoding') as encoding`),
    );

    expect(rows).toEqual([{ checksums: 'on', upper: 'É', encoding: 'UTF8' }]);
  });
});

describe('over several starts', () => {
  test('keeps its data and its port', async () => {
    await using home = await temporaryHome();
    const first = await startOn(home);
    await withClient(first.adminUrl, (client) => client.query('create table kept ()'));
    await first.stop();

    await using second = await startOn(home);

    await withClient(second.adminUrl, (client) => client.query('select from kept'));
    expect(second.port).toBe(first.port);
  });

  test('moves to another port when its own was taken meanwhile', async () => {
    await using home = await temporaryHome();
    const first = await startOn(home);
    await first.stop();
    await using _occupant = await listenOn(first.port);

    await using second = await startOn(home);

    expect(second.port).not.toBe(first.port);
    await withClient(second.workerUrl, (client) => client.query('select'));
  });

  test('is not misled by a pid file that names a stranger', async () => {
    await using home = await temporaryHome();
    await (await startOn(home)).stop();
    // PostgreSQL itself forgives the pid of its parent, so it must be another's.
    const lines = [process.ppid, join(home.path, 'postgres', 'data'), 0, 1, '', '127.0.0.1', ''];
    await writeFile(join(home.path, 'postgres', 'data', 'postmaster.pid'), lines.join('\n'));

    await using server = await startOn(home);

    await withClient(server.workerUrl, (client) => client.query('select'));
    expect(server.pid()).not.toBe(process.ppid);
  });

  test('recovers from an initdb that was killed', async () => {
    await using home = await temporaryHome();
    // What a kill in the middle leaves: half a cluster in a folder of its own.
    const folder = join(home.path, 'postgres');
    await mkdir(join(folder, 'unfinished-1', 'data', 'base'), { recursive: true });

    await using server = await startOn(home);

    await withClient(server.workerUrl, (client) => client.query('select'));
    expect(await readdir(folder)).not.toContain('unfinished-1');
  });

  test('comes back on the same port when someone kills it', async () => {
    await using home = await temporaryHome();
    await using server = await startOn(home);
    const killed = server.pid();

    process.kill(killed, 'SIGKILL');
    await eventually(async () => {
      await withClient(server.workerUrl, (client) => client.query('select'));
      return server.pid() !== killed;
    });

    expect(new URL(server.workerUrl).port).toBe(String(server.port));
  });

  test('says in its error why it does not start', async () => {
    await using home = await temporaryHome();

    const start = startPostgres({
      home: home.path,
      log: silentLog,
      settings: { shared_buffers: 'nonsense' },
    });

    await expect(start).rejects.toMatchObject({
      code: 'postgres_failed',
      message: expect.stringContaining('shared_buffers'),
    });
  });

  test('stops what it launched when the start is given up', async () => {
    await using home = await temporaryHome();
    const giveUp = new AbortController();
    const delay = async (): Promise<void> => giveUp.abort(new Error('given up'));

    const start = startPostgres({
      home: home.path,
      log: silentLog,
      signal: giveUp.signal,
      clock: { delay },
    });

    await expect(start).rejects.toThrow('given up');
    expect(await findPostmaster(join(home.path, 'postgres', 'data'))).toBeUndefined();
  });
});

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('close', () => socket.destroy());
  });
}

async function listenOn(port: number): Promise<AsyncDisposable> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));

  return {
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
