// A home between a model, a Drive and a Telegram that keep journals: daemons come and go on it, briefs keep coming in.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import pg from 'pg';

import type { Queue, TaskSubmission } from '../../../src/core/queue.ts';
import { systemClock } from '../../../src/daemon/clock.ts';
import { persist } from '../../../src/daemon/persist.ts';
import { urlOf, withRole } from '../../../src/postgres/connection.ts';
import { createQueue } from '../../../src/queue/client.ts';
import { createPgTransport } from '../../../src/queue/pg-transport.ts';
import { outsideVariables } from '../../e2e/outside.ts';
import { type Behave, type ScriptedModel, startScriptedModel } from '../../e2e/scripted.ts';
import { silentLog } from '../../support/cluster.ts';
import { type Daemon, type Home, temporaryHome, type Variables } from '../../support/daemon.ts';
import { type DriveServer, startDriveServer } from '../../support/drive-server.ts';
import type { Spawned } from '../../support/spawned.ts';
import { startTelegramServer, type TelegramServer } from '../../support/telegram-server.ts';
import { until } from '../../support/until.ts';

type Rows = Record<string, unknown>[];

export type World = AsyncDisposable & {
  homes: Home[];
  /** The first of them. */
  home: Home;
  model: ScriptedModel;
  drive: DriveServer;
  telegram: TelegramServer;
  /** Titles of the accepted tasks by id. */
  accepted: Map<string, string>;
  /** As the owner of the database. Rejects while it is away. */
  sql(text: string, params?: unknown[]): Promise<Rows>;
  /** Spawns the next daemon, on the first home unless told otherwise, and waits for nothing. */
  launch(options?: Boot): Spawned;
  /** Spawns the next daemon and waits until it serves. */
  start(options?: Boot): Promise<Daemon>;
  /** Hands in a brief, again and again under one key until the database has said that it is accepted. Its id. */
  submit(task?: Partial<TaskSubmission>): Promise<string>;
  /** Hands in a brief every so often until told to stop. */
  submitEvery(ms: number): { stop(): Promise<void> };
  /** Resolves once every accepted task has ended. */
  allEnded(boundMs?: number): Promise<void>;
};

export type Boot = { home?: Home; env?: Variables };

export type WorldOptions = {
  /** The owner's address of a database for the tests' own looks; default: the PostgreSQL of the first home. */
  databaseUrl?: string;
  /** How the model meets calls; default: at once, with a tool call first. */
  behave?: Behave;
  variables?: Variables;
  homes?: number;
};

const quick = { NIGHTSHIFT_RETRY_BASE_MS: '10', NIGHTSHIFT_RETRY_CAP_MS: '100' };
const acceptWithinMs = 120_000;

export async function openWorld(options: WorldOptions = {}): Promise<World> {
  await using stack = new AsyncDisposableStack();
  const { databaseUrl, behave = ({ reply }) => reply(1), variables = {} } = options;
  const drive = stack.use(await startDriveServer());
  const telegram = stack.use(await startTelegramServer());
  const model = stack.use(await startScriptedModel(behave));
  const given = {
    ...outsideVariables({ drive, telegram }),
    ...quick,
    ...(databaseUrl !== undefined && { DATABASE_URL: databaseUrl }),
    ...variables,
  };
  const homes: Home[] = [];
  for (let at = 0; at < (options.homes ?? 1); at += 1) {
    homes.push(stack.use(await temporaryHome(given)));
  }
  const [home] = homes;
  if (home === undefined) throw new Error('a world needs a home');
  const database = stack.use(openDatabase(home, databaseUrl));
  const accepted = new Map<string, string>();
  const opened = stack.move();

  return {
    homes,
    home,
    model,
    drive,
    telegram,
    accepted,
    ...boots(home, model),
    ...submissions(accepted, database.queue),
    sql: database.sql,
    allEnded: (boundMs = 120_000) => allEnded({ accepted, sql: database.sql }, boundMs),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

function boots(first: Home, model: ScriptedModel): Pick<World, 'launch' | 'start'> {
  let count = 0;

  function launch({ home = first, env = {} }: Boot = {}): Spawned {
    count += 1;
    // Each boot has an address of its own at the model, so that its calls can be told apart.
    return home.launch({
      args: ['--no-sample'],
      env: { ...model.variablesOf(String(count)), ...env },
    });
  }

  return {
    launch,
    start: (boot = {}) => (boot.home ?? first).served(launch(boot)),
  };
}

function submissions(
  accepted: World['accepted'],
  queue: () => Promise<Queue>,
): Pick<World, 'submit' | 'submitEvery'> {
  let count = 0;

  async function submit(task: Partial<TaskSubmission> = {}): Promise<string> {
    count += 1;
    const title = task.title ?? `Task ${String(count).padStart(5, '0')}`;
    const submission: TaskSubmission = {
      title,
      description: 'Announce our refill subscription in spring.',
      agents: ['echo'],
      maxRetries: 20,
      idempotencyKey: `key of ${title}`,
      ...task,
    };
    const patience = { clock: systemClock, log: silentLog };
    const signal = AbortSignal.timeout(acceptWithinMs);
    const { id } = await persist(
      'submit',
      async () => {
        try {
          return await (await queue()).submitTask(submission);
        } catch (error) {
          // In the middle of the first start the tables, the function or the agents are not there yet.
          throw accepted.size > 0
            ? error
            : new Error('the first start is not over', { cause: error });
        }
      },
      { ...patience, signal },
    );
    accepted.set(id, title);
    return id;
  }

  return {
    submit,
    submitEvery(ms) {
      let isOver = false;
      const submitting = (async () => {
        while (!isOver) {
          await submit();
          await pause(ms);
        }
      })();
      submitting.catch(() => undefined);

      return {
        async stop() {
          isOver = true;
          await submitting;
        },
      };
    },
  };
}

async function allEnded(
  { accepted, sql }: Pick<World, 'accepted' | 'sql'>,
  boundMs: number,
): Promise<void> {
  const open = `
    select task.title || ' is ' || task.status as open
    from unnest($1::uuid[]) as told (id)
    left join public.tasks as task on task.id = told.id
    where task.completed_at is null
    order by task.title`;
  let left: Rows = [];
  const look = async (): Promise<boolean> => {
    left = await sql(open, [[...accepted.keys()]]);
    return left.length === 0;
  };
  const why = () => left.map((row) => String(row['open'])).join(', ');

  await until(() => look().catch(() => false), { boundMs, why: () => `all ended: ${why()}` });
}

type Database = AsyncDisposable & { sql: World['sql']; queue(): Promise<Queue> };

/** The database of a home, or another; its address is looked up with each call, since a first start makes it. */
function openDatabase(home: Home, fixedUrl: string | undefined): Database {
  const pools = new Map<string, pg.Pool>();
  const urlNow = (): Promise<string> =>
    fixedUrl === undefined ? embeddedUrl(home.path) : Promise.resolve(fixedUrl);

  function poolOf(url: string): pg.Pool {
    const known = pools.get(url);
    if (known !== undefined) return known;

    const pool = new pg.Pool({ connectionString: url, max: 4, connectionTimeoutMillis: 5_000 });
    pool.on('error', () => undefined);
    pools.set(url, pool);
    return pool;
  }

  return {
    async sql(text, params = []) {
      const { rows } = await poolOf(await urlNow()).query<Rows[number]>(text, params);
      return rows;
    },
    async queue() {
      const url = withRole(await urlNow(), 'service_role');
      return createQueue(createPgTransport(poolOf(url)));
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...pools.values()].map((pool) => pool.end()));
    },
  };
}

/** Logs in as the owner of a home's PostgreSQL, whether or not a daemon serves there. Rejects before there is one. */
export async function embeddedUrl(home: string): Promise<string> {
  const folder = path.join(home, 'postgres');
  const [port, password] = await Promise.all(
    ['port', 'owner.password'].map((name) => readFile(path.join(folder, name), 'utf8')),
  );

  return urlOf({
    host: '127.0.0.1',
    port: Number(port),
    user: 'postgres',
    password: String(password).trim(),
    database: 'nightshift',
  });
}
