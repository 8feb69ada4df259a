// Briefs that name pages which do not answer or lead inside: the work goes on, and nothing private is fetched.
import { createServer, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

import { type Home, temporaryHome } from '../support/daemon.ts';
import { freshDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/cluster.ts';
import { startWebServer } from '../support/web-server.ts';
import { readTaskFolder, type TaskFolder } from './folders.ts';

const preload = fileURLToPath(new URL('children/internet.ts', import.meta.url));
const publicAddress = '93.184.215.14';

test('a domain that does not answer costs the task nothing but the measurement', async () => {
  await using silent = await silentServer();
  await using bed = await bedOn({
    names: { 'silent.example.com': publicAddress },
    routes: { [`${publicAddress}:443`]: silent.port },
  });

  const folder = await bed.workOn({
    client: { name: 'Alder & Oak', domain: 'silent.example.com' },
    competitors: ['nowhere.example.com'],
  });

  expect(silent.connections()).toBeGreaterThan(0);
  const errors = (await bed.toolErrors()).join('\n');
  for (const host of ['silent.example.com', 'nowhere.example.com']) {
    expect(errors).toContain(host);
    expect(await bed.assumptions()).toContain(host);
  }
  expect(folder.files).toContain('index.html');
});

test('a page that redirects to a private address is refused before a connection is made', async () => {
  await using inside = await startWebServer({ '/': '<title>Secret</title>' });
  const redirect = (location: string) => ({ status: 302, headers: { location } });
  await using shop = await startWebServer({
    '/by-name': redirect('http://inside.example.com/'),
    '/by-number': redirect('http://127.0.0.1/'),
  });
  await using bed = await bedOn({
    names: { 'shop.example.com': publicAddress, 'inside.example.com': '127.0.0.1' },
    routes: { [`${publicAddress}:80`]: shop.port, '127.0.0.1:80': inside.port },
  });

  for (const page of ['by-name', 'by-number']) {
    const offer = { what: 'A subscription', url: `http://shop.example.com/${page}` };
    await bed.workOn({ client: { name: 'Alder & Oak', domain: 'shop.example.com' }, offer });
  }

  const visited = shop.requests.map(({ path }) => path);
  expect(visited).toEqual(expect.arrayContaining(['/by-name', '/by-number']));
  expect(inside.requests).toEqual([]);
  const refusals = (await bed.toolErrors()).filter((error) => /not a public address/.test(error));
  expect(refusals).toHaveLength(2);
});

test('a private domain is not fetched either', async () => {
  await using inside = await startWebServer({ '/': '<title>Secret</title>' });
  await using bed = await bedOn({
    names: { 'intranet.example.com': '127.0.0.1' },
    routes: { '127.0.0.1:443': inside.port, '127.0.0.1:80': inside.port },
  });

  await bed.workOn({
    client: { name: 'Alder & Oak', domain: 'intranet.example.com' },
    competitors: ['127.0.0.1', 'localhost'],
  });

  expect(inside.requests).toEqual([]);
  expect(await bed.toolErrors()).toContainEqual(expect.stringMatching(/not a public address/));
});

/** A daemon within an internet of its own, and what came of Vision's work there. */
async function bedOn(internet: { names: object; routes: object }) {
  const stack = new AsyncDisposableStack();
  const db = stack.use(await freshDatabase());
  const home = stack.use(
    await temporaryHome({
      DATABASE_URL: db.adminUrl,
      NIGHTSHIFT_TIMEOUTS_FETCH_SECONDS: '1',
      NODE_OPTIONS: `--import=${preload}`,
      TEST_INTERNET: JSON.stringify(internet),
    }),
  );
  await home.start({ args: ['--no-sample'] });

  return {
    workOn: (pages: object) => workOn(home, pages),
    toolErrors: () => toolErrors(db),
    async assumptions() {
      const [run] = await db.sql(`select output ->> 'assumptions' as texts from agent_runs`);
      return String(run?.texts);
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function workOn(home: Home, pages: object): Promise<TaskFolder> {
  const description = 'We launch a refill subscription in spring.';
  const brief = { title: 'Refills', description, agents: ['vision'], ...pages };
  const file = await home.write('brief.json', JSON.stringify(brief));

  const { code, stdout, stderr } = await home.run('submit', '--file', file, '--watch');

  expect(code, stderr).toBe(0);
  expect(stderr).toContain('is complete');
  return await readTaskFolder(stdout.trim().replace(/\/$/, ''));
}

async function toolErrors(db: TestDatabase): Promise<string[]> {
  const rows = await db.sql<{ error: string }>(`
    select distinct (message ->> 'content')::jsonb ->> 'error' as error
    from run_steps as step, jsonb_array_elements(step.messages) as message
    where message ->> 'role' = 'tool'
      and (message ->> 'content')::jsonb ->> 'ok' = 'false'`);

  return rows.map(({ error }) => error);
}

/** Takes connections and says nothing. */
async function silentServer() {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();

  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    connections: () => sockets.length,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
