// What a restore publishes to the local folder again: ended tasks whose files stayed on the machine of the backup.
import type { Client } from 'pg';
import { z } from 'zod';

import { DeliveredTask } from '../../core/delivery.ts';

const Wanted = z.array(z.object({ id: z.uuid(), is_whole: z.boolean() }));
const Task = z.tuple([z.object({ task: DeliveredTask })]);
const Content = z.tuple([z.object({ content: z.instanceof(Buffer) })]);

export type WantedFolder = z.infer<typeof Wanted>[number];

/** `is_whole` is false where a file is not in the database any more. Tasks at work publish by themselves. */
export async function wantedFolders(client: Client): Promise<WantedFolder[]> {
  const { rows } = await client.query(`
    select
      task.id,
      not exists (
        select from public.deliverables as deliverable
        where deliverable.task_id = task.id
          and deliverable.status = 'ready'
          and not exists (
            select from public.deliverable_contents as stored where stored.deliverable_id = deliverable.id
          )
      ) as is_whole
    from public.tasks as task
    join public.deliveries as delivery on delivery.task_id = task.id
    where delivery.sink = 'folder'
      and delivery.status = 'delivered'
      and task.status not in ('pending', 'running')
    order by task.created_at desc
  `);

  return Wanted.parse(rows);
}

export async function readDeliveredTask(client: Client, id: string): Promise<DeliveredTask> {
  const { rows } = await client.query('select nightshift.task_for_delivery($1) as task', [id]);

  return Task.parse(rows)[0].task;
}

export async function readContent(client: Client, deliverableId: string): Promise<Uint8Array> {
  const { rows } = await client.query(
    'select content from public.deliverable_contents where deliverable_id = $1',
    [deliverableId],
  );

  return Content.parse(rows)[0].content;
}

/** Records where the task's folder is now. */
export async function moveFolder(
  client: Client,
  id: string,
  { folderUrl, result }: { folderUrl?: string; result: Record<string, unknown> },
): Promise<void> {
  await client.query('select nightshift.move_folder($1, $2, $3)', [
    id,
    folderUrl,
    JSON.stringify(result),
  ]);
}
