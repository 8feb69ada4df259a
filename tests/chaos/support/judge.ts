// The verdict at the end of a chaos run, from the tables, the files and the journals of the outside servers: what was
// lost, done twice or paid twice. Each fault is told in words; none is good.
import { stat } from 'node:fs/promises';
import path from 'node:path';

import { z } from 'zod';

import { readTaskFolder, sha256Of, taskFolders } from '../../e2e/folders.ts';
import { chats, pathsIn } from '../../e2e/outside.ts';
import { finalFaultsIn } from './invariants.ts';
import type { World } from './world.ts';

export type Judging = {
  /** How often a daemon was interrupted: a message that was under way then may have gone out once more. */
  interruptions: number;
  /** Tasks, by title, that were to end otherwise than complete, and how. */
  expected?: Record<string, string>;
  /** True where a worker may go on for a while after its work was given to another. */
  hasStale?: boolean;
  /** True where the database's clock was set: its times say nothing about ours. */
  isClockFalse?: boolean;
};

const Task = z.object({
  id: z.string(),
  title: z.string(),
  status: z.string(),
  folder_name: z.string(),
  files: z.array(z.object({ path: z.string(), sha256: z.string(), bytes: z.number() })),
  attempts: z.number(),
  steps: z.array(z.object({ seq: z.number(), at: z.number() })),
  messages: z.array(z.number()),
  uploads: z.number(),
});
type Task = z.infer<typeof Task>;

const tasks = `
  select task.id, task.title, task.status, task.folder_name,
    (
      select coalesce(jsonb_agg(jsonb_build_object('path', file.path, 'sha256', file.sha256, 'bytes', file.bytes)
        order by file.path collate "C"), '[]')
      from public.deliverables as file
      where file.task_id = task.id and file.status = 'ready'
    ) as files,
    (select max(run.attempt) from public.agent_runs as run where run.task_id = task.id) as attempts,
    (
      select coalesce(jsonb_agg(jsonb_build_object('seq', step.seq, 'at', extract(epoch from step.created_at) * 1000)
        order by step.seq), '[]')
      from public.run_steps as step
      join public.agent_runs as run on run.id = step.run_id
      where run.task_id = task.id
    ) as steps,
    (
      select coalesce(jsonb_agg(message.id), '[]')
      from public.deliveries as delivery
      cross join jsonb_path_query(delivery.result, '$.messages.*[*]') as message (id)
      where delivery.task_id = task.id and delivery.sink = 'telegram'
    ) as messages,
    (
      select coalesce(max(delivery.attempt), 0)
      from public.deliveries as delivery
      where delivery.task_id = task.id and delivery.sink = 'drive'
    ) as uploads
  from public.tasks as task
  order by task.title`;

/** All that went wrong. The world is to be at rest: no daemon works on anything any more. */
export async function faultsOf(world: World, judging: Judging): Promise<string[]> {
  const found = z.array(Task).parse(await world.sql(tasks));
  const complete = found.filter(({ status }) => status === 'complete');

  return [
    ...(await finalFaultsIn((text) => world.sql(text))),
    ...taskFaults(world, found, judging),
    ...(await folderFaults(world, found)),
    ...driveFaults(world, found, judging),
    ...messageFaults(world, found, judging),
    ...complete.flatMap((task) => callFaults(world, task, judging)),
  ];
}

function taskFaults({ accepted }: World, found: Task[], { expected = {} }: Judging): string[] {
  const lost = [...accepted]
    .filter(([id]) => !found.some((task) => task.id === id))
    .map(([, title]) => `${title} was accepted and is not there`);
  const strange = found
    .filter(({ id }) => !accepted.has(id))
    .map(({ title }) => `${title} is there and nobody handed it in`);
  const wrong = found
    .filter(({ title, status }) => status !== (expected[title] ?? 'complete'))
    .map(({ title, status }) => `${title} ended ${status}`);
  const empty = found
    .filter(({ status, files }) => status === 'complete' && files.length === 0)
    .map(({ title }) => `${title} is complete without a file`);

  return [...lost, ...strange, ...wrong, ...empty];
}

/** Every task has its folder on one of the homes, and what lies there is what the manifest and the rows say. */
async function folderFaults({ homes }: World, found: Task[]): Promise<string[]> {
  const places = await Promise.all(
    homes.map(async (home) => {
      const names = await taskFolders(home.path);
      return names.map((name) => ({ name, folder: path.join(home.path, 'outputs', name) }));
    }),
  );
  const all = places.flat();
  const strange = all.filter(({ name }) => !found.some((task) => task.folder_name === name));
  const missing = found.filter((task) => !all.some(({ name }) => name === task.folder_name));
  const wrong = await Promise.all(
    all.map(async ({ name, folder }) => {
      const task = found.find((one) => one.folder_name === name);
      return task === undefined ? [] : await contentFaults(task, folder);
    }),
  );

  return [
    ...strange.map(({ name }) => `the folder ${name} belongs to no task`),
    ...missing.map(({ title }) => `${title} has no folder`),
    ...wrong.flat(),
  ];
}

async function contentFaults({ title, files }: Task, folder: string): Promise<string[]> {
  const { manifest, files: there } = await readTaskFolder(folder);
  const listed = manifest.files.map(({ path: place, sha256, bytes }) => ({
    path: place,
    sha256,
    bytes,
  }));
  const measured = await Promise.all(
    files.map(async ({ path: place }) => {
      const file = path.join(folder, place);
      const { size } = await stat(file).catch(() => ({ size: -1 }));
      const hash = await sha256Of(file).catch(() => 'no file');
      return { path: place, sha256: hash, bytes: size };
    }),
  );
  const besides = ['brief.md', 'index.html', 'manifest.json'];
  const known = [...files.map((file) => file.path), ...besides].toSorted();

  return [
    ...(manifest.published ? [] : [`${title}: its folder is not whole`]),
    ...(isSame(listed.toSorted(byPath), files) ? [] : [`${title}: its manifest is not its rows`]),
    ...(isSame(measured, files) ? [] : [`${title}: its files are not its rows`]),
    ...(isSame(there, known) ? [] : [`${title}: its folder holds ${there.join(', ')}`]),
  ];
}

/**
 * Every task has one folder there, with each of its files once. A worker that was frozen in the middle of an upload cannot
 * know when it wakes that another has uploaded the same meanwhile: only then may there be twins.
 */
function driveFaults({ drive }: World, found: Task[], { hasStale = false }: Judging): string[] {
  const paths = pathsIn(drive);

  return found.flatMap(({ title, folder_name: name, files, uploads }) => {
    const own = paths.filter((one) => one.split('/').includes(name));
    const mayHaveTwins = hasStale && uploads > 1;
    const twins = own.filter((one, at) => one === own[at - 1]);
    const agents = new Set(files.map((file) => file.path.split('/', 1)[0])).size;
    const wanted = ['folder', 'Summary', 'Brief'].length + agents + files.length;
    const there = new Set(own).size;

    return [
      ...(mayHaveTwins ? [] : twins.map((twin) => `on Drive twice: ${twin}`)),
      ...(there === wanted ? [] : [`${title} has ${there} things on Drive: ${wanted}?`]),
    ];
  });
}

/** Each chat has one message of each task on record, and hardly more in its window. */
function messageFaults({ telegram }: World, found: Task[], { interruptions }: Judging): string[] {
  const faults = found
    .filter(({ messages }) => messages.length !== chats.length)
    .map(({ title, messages }) => `${title} has ${messages.length} messages on record`);
  const sent = new Set(telegram.messages.map((message) => message.message_id));
  const recorded = found.flatMap(({ messages }) => messages);
  const never = recorded.filter((id) => !sent.has(id)).map((id) => `message ${id} was never sent`);
  const extra = sent.size - new Set(recorded).size;
  // Two deliveries at a time, and of each at most the message whose answer nobody has seen.
  const allowed = 2 * interruptions;

  return [
    ...faults,
    ...never,
    ...(extra > allowed ? [`${extra} messages too many after ${interruptions} interruptions`] : []),
  ];
}

/** Nothing is asked of the model twice but what was interrupted before it was on record. */
function callFaults(
  { model }: World,
  { title, attempts, steps }: Task,
  { hasStale = false, isClockFalse = false }: Judging,
): string[] {
  const calls = model.calls().filter((call) => call.title === title);
  const byStep = [...Map.groupBy(calls, ({ step }) => step)];
  const often = byStep
    .filter(([, same]) => same.length > attempts)
    .map(([step, same]) => `${title} step ${step}: ${same.length} calls in ${attempts} attempts`);
  const late = steps.filter(({ seq, at }) =>
    calls.some((call) => call.step === seq && call.at > at),
  );
  const again = byStep
    .filter(([, same]) => new Set(same.map(({ boot }) => boot)).size < same.length)
    .map(([step]) => `${title} step ${step} was asked for twice by one boot`);
  const seqs = steps.map(({ seq }) => seq);
  const twice = seqs.filter((seq, at) => seq === seqs[at - 1]);

  return [
    ...often,
    ...(hasStale ? [] : again),
    ...twice.map((seq) => `${title} step ${seq} is recorded twice`),
    ...(hasStale || isClockFalse
      ? []
      : late.map(({ seq }) => `${title} step ${seq} was paid for again after it was recorded`)),
  ];
}

const byPath = (left: { path: string }, right: { path: string }): number =>
  left.path < right.path ? -1 : 1;

function isSame(left: unknown, right: unknown): boolean {
  const sorted = (_key: string, value: unknown): unknown =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : value;

  return JSON.stringify(left, sorted) === JSON.stringify(right, sorted);
}
