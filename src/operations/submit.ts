// Hands a brief in: it becomes a task, with one run for each agent.
import { z } from 'zod';

import { Brief } from '../core/brief.ts';
import type { AgentLibrary } from '../core/ports.ts';
import { SubmittedTask, type TaskSubmission } from '../core/queue.ts';
import { priorities, PriorityName, TaskProfile } from '../core/task.ts';
import { fault } from './faults.ts';
import { checkInput, operation, type Surroundings } from './operation.ts';
import { resolveTask, TaskRef } from './task-id.ts';

const mostAttachedLength = 10_000_000;

/** A brief, and how its task is to run. Only `title` and `description` are required. */
export const Submission = Brief.extend({
  /** Chosen by whoever hands it in: a second submission of the same id changes nothing. Default: a new one. */
  id: z.string().trim().toLowerCase().pipe(z.uuid('is not a UUID')).optional(),
  /** Default: every enabled agent. */
  agents: z.array(z.string().trim()).min(1, 'must name at least one agent').max(40).optional(),
  /** Default: parallel. */
  profile: TaskProfile.optional(),
  /** Default: normal. */
  priority: PriorityName.optional(),
  scheduled_for: z.iso.datetime({ offset: true, error: 'is not a time with its zone' }).optional(),
  /** Tasks that must end well before this one starts. */
  depends_on: z.array(TaskRef).max(50).optional(),
  idempotency_key: z.string().trim().min(1).max(200).optional(),
  /** Further tries of a run after its first. Default: 3. */
  max_retries: z.number().int().min(0).max(20).optional(),
  /** Seconds one attempt at a run may take. Default: the agent's own limit. */
  timeout_seconds: z.number().int().min(1).max(86_400).optional(),
});
export type Submission = z.infer<typeof Submission>;

export const submit = operation({
  name: 'submit',
  summary: 'Hand in a brief',
  input: Submission,
  output: SubmittedTask,
  check: ({ agents }, input) => [...unknownAgents(agents, input), ...tooMuchAttached(input)],
  async run(context, input) {
    const ids = (input.depends_on ?? []).map((ref) => resolveTask(context.queue, ref));

    return await context.queue.submitTask(asTask(input, await Promise.all(ids)));
  },
});

/**
 * What a brief comes to where no database can be asked: checked as far as this machine knows. `resolve` finds the task
 * that is to end first by what names it, and throws where it cannot. Throws as `submit` does.
 */
export function readSubmission(
  surroundings: Surroundings,
  input: unknown,
  resolve: (ref: string) => string,
): TaskSubmission {
  const submission = checkInput(submit, surroundings, input);

  return asTask(submission, (submission.depends_on ?? []).map(resolve));
}

function asTask(submission: Submission, dependsOn: string[]): TaskSubmission {
  const {
    id,
    title,
    description,
    agents,
    profile,
    priority,
    scheduled_for: scheduledFor,
    depends_on: _,
    idempotency_key: idempotencyKey,
    max_retries: maxRetries,
    timeout_seconds: timeoutSeconds,
    ...brief
  } = submission;

  return {
    ...(id && { id }),
    title,
    description,
    brief,
    dependsOn,
    triggeredBy: 'user',
    ...(agents && { agents }),
    ...(profile && { profile }),
    ...(priority && { priority: priorities[priority] }),
    ...(scheduledFor && { scheduledFor }),
    ...(idempotencyKey && { idempotencyKey }),
    ...(maxRetries !== undefined && { maxRetries }),
    ...(timeoutSeconds && { timeoutSeconds }),
  };
}

// Read loosely: the other faults of the same input are found by the schema.
const Named = z.object({ agents: z.array(z.string().trim()) });
const Attached = z.object({
  attachments: z.array(z.object({ text: z.string() }).catch({ text: '' })),
});

function unknownAgents(library: AgentLibrary, input: unknown) {
  const known = library.list().flatMap(({ name, enabled }) => (enabled ? [name] : []));
  const wanted = Named.safeParse(input).data?.agents ?? [];

  return wanted.flatMap((name, at) => {
    const problem = `there is no agent "${name}": the agents are ${known.join(', ')}`;
    return known.includes(name) ? [] : [{ ...fault(['agents', at], problem), example: null }];
  });
}

function tooMuchAttached(input: unknown) {
  const texts = Attached.safeParse(input).data?.attachments ?? [];
  const length = texts.reduce((sum, { text }) => sum + text.length, 0);
  const problem = `hold ${length} characters together: at most ${mostAttachedLength} are taken`;

  return length > mostAttachedLength ? [{ ...fault(['attachments'], problem), example: null }] : [];
}
