// Tasks are named by their id or by its first characters, at every door.
import { z } from 'zod';

import { appError } from '../core/errors.ts';
import type { Queue, TaskView } from '../core/queue.ts';

/** A task's id, or at least its first four characters. */
export const TaskRef = z
  .string()
  .trim()
  .toLowerCase()
  .regex(/^[0-9a-f-]{4,36}$/, 'is not the id of a task, nor its first four or more characters');

const wholeLength = 36;

/** The whole id. Throws `task_not_found`, or `usage` when several tasks begin like that. */
export async function resolveTask(queue: Queue, ref: string): Promise<string> {
  if (ref.length === wholeLength && z.uuid().safeParse(ref).success) return ref;

  const found = await queue.findTasks(ref);
  const [only] = found;
  if (only === undefined) throw appError('task_not_found', { detail: `none begins with ${ref}` });
  if (found.length > 1) {
    throw appError('usage', { detail: `several tasks begin with ${ref}: ${found.join(', ')}` });
  }

  return only;
}

/** The task itself. Throws as `resolveTask` does. */
export async function readTask(queue: Queue, ref: string): Promise<TaskView> {
  const id = await resolveTask(queue, ref);
  const task = await queue.readTask(id);
  if (task === null) throw appError('task_not_found', { detail: id });

  return task;
}
