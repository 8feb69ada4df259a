// Invariants of runs, their steps and what they leave for people: each a query for those that break it.

const ended = `('complete', 'failed', 'cancelled', 'skipped')`;

export const runRules: readonly string[] = [
  `select format('run %s is running without worker, claim, start or deadline', run.id) as fault
  from public.agent_runs as run
  where run.status = 'running'
    and (run.worker_id is null or run.claim_id is null or run.claimed_at is null or run.started_at is null
      or run.deadline_at is null or run.attempt < 1)`,

  `select format('run %s is running for worker %s, which never registered', run.id, run.worker_id)
  from public.agent_runs as run
  where run.status = 'running'
    and not exists (select from public.workers as worker where worker.id = run.worker_id)`,

  `select format('run %s is running although its attempt %s is settled', run.id, run.attempt)
  from public.agent_runs as run
  where run.status = 'running'
    and run.settled_attempt >= run.attempt`,

  `select format('claim %s is held by several workers', run.claim_id)
  from public.agent_runs as run
  where run.status = 'running'
  group by run.claim_id
  having count(distinct run.worker_id) > 1`,

  `select format('run %s is %s and still has worker %s or an end', run.id, run.status, run.worker_id)
  from public.agent_runs as run
  where run.status in ('blocked', 'pending')
    and (run.worker_id is not null or run.completed_at is not null)`,

  `select format('run %s is %s but its end says %s', run.id, run.status, run.completed_at)
  from public.agent_runs as run
  where (run.status in ${ended}) <> (run.completed_at is not null)`,

  `select format('run %s is complete without output or settled attempt (%s of %s)', run.id, run.settled_attempt, run.attempt)
  from public.agent_runs as run
  where run.status = 'complete'
    and (run.output is null or run.attempt < 1 or run.settled_attempt <> run.attempt)`,

  `select format('run %s failed without a try or without an error', run.id)
  from public.agent_runs as run
  where run.status = 'failed'
    and (run.error is null or run.attempt < 1)`,

  `select format('run %s counts wrong: attempt %s, settled %s, refunds %s, fresh after %s', run.id, run.attempt,
    run.settled_attempt, run.refunds, run.fresh_after)
  from public.agent_runs as run
  where run.refunds not between 0 and run.attempt
    or run.settled_attempt not between 0 and run.attempt
    or run.fresh_after not between 0 and run.attempt
    or (run.attempt = 0) <> (run.started_at is null)`,

  `select format('run %s is %s with %s tries of %s', run.id, run.status, run.attempt - run.refunds, run.max_attempts)
  from public.agent_runs as run
  where run.attempt - run.refunds > run.max_attempts
    or run.status in ('blocked', 'pending') and run.attempt - run.refunds >= run.max_attempts`,

  `select format('run %s is %s, due %s at %s', run.id, run.status, run.is_due, run.due_at)
  from public.agent_runs as run
  where not run.is_due and run.due_at is null
    or run.status in ('running', 'complete') and not run.is_due`,

  `select format('run %s of wave %s is %s while run %s of wave %s is %s', later.id, later.wave, later.status, earlier.id,
    earlier.wave, earlier.status)
  from public.agent_runs as later
  join public.agent_runs as earlier on earlier.task_id = later.task_id and earlier.wave < later.wave
  where later.status in ('pending', 'running')
    and earlier.status not in ${ended}`,

  `select format('run %s of wave %s is blocked while its siblings are %s', held.id, held.wave, sibling.status)
  from public.agent_runs as held
  join public.agent_runs as sibling on sibling.task_id = held.task_id and sibling.wave = held.wave
  where held.status = 'blocked'
    and sibling.status in ('pending', 'running')`,

  `select format('run %s differs from its task %s in user, priority or wave', run.id, run.task_id)
  from public.agent_runs as run
  join public.tasks as task on task.id = run.task_id
  where run.priority <> task.priority
    or run.user_id is distinct from task.user_id
    or task.profile = 'parallel' and run.wave <> 1`,

  `select format('step %s of run %s belongs to attempt %s of %s', step.seq, run.id, step.attempt, run.attempt)
  from public.run_steps as step
  join public.agent_runs as run on run.id = step.run_id
  where step.attempt not between 1 and run.attempt`,

  `select format('run %s has steps %s: twice or with a gap', run.id, array_agg(step.seq order by step.seq, step.attempt))
  from public.run_steps as step
  join public.agent_runs as run on run.id = step.run_id
  where step.attempt > run.fresh_after
  group by run.id
  having count(*) <> max(step.seq)
    or count(distinct step.seq) <> count(*)`,

  `select format('deliverable %s belongs to run %s, which is %s', deliverable.id, run.id, run.status)
  from public.deliverables as deliverable
  join public.agent_runs as run on run.id = deliverable.run_id
  where run.status <> 'complete'
    or run.task_id <> deliverable.task_id
    or run.agent <> deliverable.agent`,

  `select format('run %s has several deliverables named %s', deliverable.run_id, deliverable.name)
  from public.deliverables as deliverable
  group by deliverable.run_id, deliverable.name
  having count(*) > 1`,

  `select format('deliverable %s has no content, or not the %s bytes it names', deliverable.id, deliverable.bytes)
  from public.deliverables as deliverable
  left join public.deliverable_contents as stored on stored.deliverable_id = deliverable.id
  where stored.content is null and deliverable.content_removed_at is null
    or octet_length(stored.content) <> deliverable.bytes`,

  `select format('user %s has %s runs at work, above the cap of %s', profile.user_id, count(*), profile.max_running)
  from public.profiles as profile
  join public.agent_runs as run on run.user_id = profile.user_id
  where run.status = 'running'
  group by profile.user_id
  having count(*) > profile.max_running`,
];
