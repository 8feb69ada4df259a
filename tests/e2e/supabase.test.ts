// A spawned daemon on a Supabase project: it serves, is woken, says what is missing, and outlives an outage.
import { expect, test } from 'vitest';
import { z } from 'zod';

import { readMigrations } from '../../src/postgres/migrations.ts';
import { temporaryHome, type Variables } from '../support/daemon.ts';
import { freshDatabase } from '../support/database.ts';
import { publishableKey, secretKey } from '../support/postgrest-server.ts';
import { type SupabaseFront, startSupabaseFront } from '../support/supabase-front.ts';
import { freshSupabaseProject } from '../support/supabase-project.ts';
import { until } from '../support/until.ts';
import { readTaskFolder } from './folders.ts';
import { endedTask } from './outside.ts';
import { startScriptedModel } from './scripted.ts';

const Submitted = z.object({ id: z.string() });
const submission = ['submit', 'Refills', 'Announce them.', '--agents', 'echo'];

test('it serves, and a submitted task wakes it while no poll is near', async () => {
  await using db = await freshDatabase();
  await using front = await startSupabaseFront(db.workerUrl);
  await using home = await temporaryHome(variablesOf(front));
  const daemon = await home.start({ args: ['--no-sample'] });
  await until(() => front.realtime.joins.length === 1, { why: () => daemon.stderr() });
  await until(async () => (await db.sql('select from poll_runs')).length > 0);

  const { id } = Submitted.parse(await home.json(...submission));
  front.realtime.change('INSERT', { id, status: 'pending' });
  const task = await endedTask(db, id);

  expect(task.status).toBe('complete');
  expect(await home.json('migrate')).toEqual({ pending: [] });
  expect((await readTaskFolder(task.folderUrl ?? '')).files).toContain('index.html');
  expect(await db.sql('select distinct trigger from poll_runs')).toEqual([{ trigger: 'start' }]);
  expect(daemon.ready).toMatchObject({ profile: 'supabase', database: null });
  expect(await daemon.stop()).toBe(0);
});

test('an empty project: migrate lists what is missing, start names it and ends, migrate --apply mends it', async () => {
  await using project = await freshSupabaseProject();
  await using front = await startSupabaseFront(project.db.workerUrl);
  await using home = await temporaryHome({
    ...variablesOf(front),
    DATABASE_URL: project.ownerUrl,
  });
  const files = (await readMigrations()).map(({ file }) => file);

  const pending = await home.run('migrate');
  const started = await home.run('start');
  const applied = await home.json('migrate', '--apply');
  // Supabase notices new functions by itself; the server here knows what it found at its start.
  await using renewed = await startSupabaseFront(project.db.workerUrl);
  const env = { SUPABASE_URL: renewed.url };
  const daemon = await home.start({ args: ['--no-sample'], env });

  expect(pending).toMatchObject({ code: 0, stdout: expect.stringContaining('supabase db push') });
  expect(started).toMatchObject({ code: 1, stdout: '' });
  expect(started.stderr).toContain('lacks migrations');
  for (const file of files) {
    expect(pending.stdout).toContain(file);
    expect(started.stderr).toContain(file);
  }
  expect(applied).toMatchObject({ applied: files });
  expect(daemon.stderr()).not.toContain('Realtime');
  expect(await daemon.stop()).toBe(0);
});

test.each([
  ['the publishable key', publishableKey, 78, 'is the publishable key'],
  ['a key of another project', 'sb_secret_of-another-project', 78, 'does not take'],
])('%s is refused with words about it, and the key is not shown', async (...row) => {
  const [, key, code, words] = row;
  await using db = await freshDatabase();
  await using front = await startSupabaseFront(db.workerUrl);
  await using home = await temporaryHome({ ...variablesOf(front), SUPABASE_SECRET_KEY: key });

  const started = await home.run('start');

  expect(started).toMatchObject({ code, stdout: '' });
  expect(started.stderr).toContain('SUPABASE_SECRET_KEY');
  expect(started.stderr).toContain(words);
  expect(started.stderr).not.toContain(key);
});

test('outages in the middle of work lose nothing and do nothing twice', async () => {
  await using db = await freshDatabase();
  await using front = await startSupabaseFront(db.workerUrl);
  await using model = await startHeldModel();
  await using home = await temporaryHome({ ...variablesOf(front), ...model.variables });
  const daemon = await home.start({ args: ['--no-sample'] });
  await until(() => front.realtime.joins.length === 1, { why: () => daemon.stderr() });
  const { id } = Submitted.parse(await home.json(...submission));
  front.realtime.change('INSERT', { id, status: 'pending' });

  await model.answer(1, () => front.network.cut());
  await until(() => daemon.stderr().includes('record spooled steps'));
  await until(() => daemon.stderr().includes('wake-ups are off'));
  front.network.restore();
  await model.answer(2, () => front.postgrest.outage({ type: 'cut' }));
  const calls = front.postgrest.calls.length;
  await until(() => front.postgrest.calls.length > calls + 3);
  front.postgrest.outage();

  const once = { status: 'complete', runs: [{ attempt: 1, usage: { calls: 2 } }] };
  expect(await endedTask(db, id)).toMatchObject(once);
  expect(model.calls()).toHaveLength(2);
});

/** A model that answers when told to, right after something else has happened. */
async function startHeldModel() {
  const answers: (() => void)[] = [];
  const model = await startScriptedModel(({ reply }) => void answers.push(() => reply(1)));

  return {
    ...model,
    async answer(count: number, first: () => void) {
      const reply = await until(() => answers.length === count && answers.at(-1));
      first();
      reply();
    },
  };
}

function variablesOf({ url }: SupabaseFront): Variables {
  return {
    SUPABASE_URL: url,
    SUPABASE_SECRET_KEY: secretKey,
    NIGHTSHIFT_POLL_MINUTES: '60',
    NIGHTSHIFT_RETRY_BASE_MS: '10',
    NIGHTSHIFT_RETRY_CAP_MS: '100',
  };
}
