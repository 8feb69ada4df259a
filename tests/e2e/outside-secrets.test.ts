// Keys and tokens of every outside service, each quoted back by its service: used, and to be found nowhere afterwards.
import path from 'node:path';

import { expect, test } from 'vitest';
import { z } from 'zod';

import { type Home, temporaryHome } from '../support/daemon.ts';
import { freshDatabase } from '../support/database.ts';
import { type DriveServer, startDriveServer } from '../support/drive-server.ts';
import { client } from '../support/drive/tokens.ts';
import { secretKey } from '../support/postgrest-server.ts';
import { type SupabaseFront, startSupabaseFront } from '../support/supabase-front.ts';
import { startTelegramServer, type TelegramServer } from '../support/telegram-server.ts';
import { endedTask, isMaking, outsideVariables, refreshToken } from './outside.ts';
import { key, startScriptedModel } from './scripted.ts';
import { everyRow, filesWith, readIfThere } from './traces.ts';

const quoting = 'Told with the request:';
const Submitted = z.object({ id: z.string() });

test('no secret of a service is in a row, a file, an argument list or on a screen', async () => {
  await using db = await freshDatabase();
  await using services = await openServices(db.workerUrl);
  await using home = await temporaryHome(services.variables);
  const daemon = await home.start({ args: ['--no-sample'] });

  const { id } = await submit(home, services.front);
  const task = await endedTask(db, id);
  const screens = await lookAt(home, id);
  const system = await Promise.all(
    [`/proc/${daemon.pid}/cmdline`, path.join(home.path, 'run', 'daemon.json')].map(readIfThere),
  );
  const code = await daemon.stop();

  const rows = JSON.stringify(await everyRow(db.adminUrl));
  const shown = [rows, ...screens, ...system, daemon.stdout(), daemon.stderr()].join('\n');
  const secrets = services.secrets();
  const files = await Promise.all(secrets.map((secret) => filesWith(home.path, secret)));
  expect({ code, status: task.status }).toEqual({ code: 0, status: 'failed' });
  expect(quotedIn(shown)).toEqual({ model: true, drive: true, telegram: true, supabase: true });
  expect(secrets.filter((secret) => shown.includes(secret))).toEqual([]);
  expect(files.flat()).toEqual([]);
  expect(await filesWith(home.path, quoting)).not.toEqual([]);
});

const hurried = {
  NIGHTSHIFT_LOG_LEVEL: 'debug',
  NIGHTSHIFT_RETRY_BASE_MS: '10',
  NIGHTSHIFT_RETRY_CAP_MS: '100',
};

/** Every service that a daemon talks to, each of which quotes what it was told. */
async function openServices(databaseUrl: string) {
  await using stack = new AsyncDisposableStack();
  const front = stack.use(await startSupabaseFront(databaseUrl));
  const drive = stack.use(await startDriveServer());
  const telegram = stack.use(await startTelegramServer());
  const model = stack.use(
    await startScriptedModel(({ step, response, reply }) => {
      if (step === 1) return reply(1);
      response
        .writeHead(401)
        .end(JSON.stringify({ error: { message: `${quoting} model ${key}` } }));
    }),
  );
  makeIndiscreet({ front, drive, telegram });
  const supabase = { SUPABASE_URL: front.url, SUPABASE_SECRET_KEY: secretKey };
  const opened = stack.move();

  return {
    front,
    variables: {
      ...outsideVariables({ drive, telegram }),
      ...model.variables,
      ...supabase,
      ...hurried,
    },
    /** Those of Drive with the tokens that it has given out. */
    secrets: () => [key, secretKey, telegram.token, ...drive.tokens.secrets],
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

type Servers = { front: SupabaseFront; drive: DriveServer; telegram: TelegramServer };

/** Lets each service quote what it was sent, once, as errors of real ones do. */
function makeIndiscreet({ front, drive, telegram }: Servers): void {
  const body = JSON.stringify({ message: `${quoting} supabase ${secretKey}` });
  front.postgrest.misbehave('take_turn', { type: 'answer', status: 401, body });

  const message = `${quoting} drive ${client.clientSecret} ${refreshToken}`;
  const error = { code: 400, message, errors: [{ reason: 'badRequest' }] };
  drive.misbehave = (entry) =>
    isMaking(entry) ? { type: 'reply', reply: { status: 400, body: { error } } } : undefined;

  const description = `${quoting} telegram ${telegram.token}`;
  telegram.fail('sendMessage', { type: 'error', code: 500, description });
  telegram.fail('sendMessage', { type: 'cut' });
}

function quotedIn(text: string): Record<string, boolean> {
  const has = (words: string): boolean => text.includes(`${quoting} ${words}`);

  return {
    model: has('model'),
    drive: has('drive'),
    telegram: has('telegram'),
    supabase: has('supabase'),
  };
}

async function submit(home: Home, { realtime }: SupabaseFront) {
  const submission = ['submit', 'Refills', 'Announce them.', '--agents', 'echo'];
  const { id } = Submitted.parse(await home.json(...submission, '--max-retries', '0'));
  realtime.change('INSERT', { id, status: 'pending' });

  return { id };
}

/** What commands show of a task and of the daemon. */
async function lookAt(home: Home, id: string): Promise<string[]> {
  const commands = [['status', id], ['logs', id], ['logs'], ['status'], ['doctor', '--offline']];
  const ended = await Promise.all(commands.map((command) => home.run(...command)));

  return ended.flatMap(({ stdout, stderr }) => [stdout, stderr]);
}
