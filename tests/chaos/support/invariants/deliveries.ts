// Invariants of deliveries: stages, tries, and the record of each try.

export const deliveryRules: readonly string[] = [
  `select format('delivery %s is running without worker, claim, start or deadline', delivery.id) as fault
  from public.deliveries as delivery
  where delivery.status = 'running'
    and (delivery.worker_id is null or delivery.claim_id is null or delivery.claimed_at is null
      or delivery.deadline_at is null or delivery.attempt < 1 or delivery.settled_attempt >= delivery.attempt)`,

  `select format('delivery %s is %s but its end says %s', delivery.id, delivery.status, delivery.completed_at)
  from public.deliveries as delivery
  where (delivery.status in ('delivered', 'failed', 'skipped')) <> (delivery.completed_at is not null)`,

  `select format('delivery %s counts wrong: attempt %s, settled %s, refunds %s', delivery.id, delivery.attempt,
    delivery.settled_attempt, delivery.refunds)
  from public.deliveries as delivery
  where delivery.refunds not between 0 and delivery.attempt
    or delivery.settled_attempt not between 0 and delivery.attempt`,

  `select format('delivery %s is %s with %s tries of %s', delivery.id, delivery.status, delivery.attempt - delivery.refunds,
    delivery.max_attempts)
  from public.deliveries as delivery
  where delivery.attempt - delivery.refunds > delivery.max_attempts
    or delivery.status in ('blocked', 'pending') and delivery.attempt - delivery.refunds >= delivery.max_attempts`,

  `select format('delivery %s is %s, due %s at %s', delivery.id, delivery.status, delivery.is_due, delivery.due_at)
  from public.deliveries as delivery
  where not delivery.is_due and delivery.due_at is null
    or delivery.status in ('running', 'delivered') and not delivery.is_due`,

  `select format('delivery %s of stage 1 is %s while %s of stage 0 is %s', later.id, later.status, earlier.id, earlier.status)
  from public.deliveries as later
  join public.deliveries as earlier on earlier.task_id = later.task_id and earlier.stage = 0
  where later.stage = 1
    and later.status in ('pending', 'running')
    and earlier.status in ('blocked', 'pending', 'running')`,

  `select format('delivery %s of stage %s is blocked, and nothing holds it', delivery.id, delivery.stage)
  from public.deliveries as delivery
  where delivery.status = 'blocked'
    and (delivery.stage = 0 or not exists (
      select from public.deliveries as earlier
      where earlier.task_id = delivery.task_id and earlier.stage = 0 and earlier.status in ('pending', 'running')
    ))`,

  `select format('task %s has %s deliveries to %s %s', delivery.task_id, count(*), delivery.sink, delivery.target)
  from public.deliveries as delivery
  group by delivery.task_id, delivery.sink, delivery.target
  having count(*) > 1`,

  `select format('delivery %s differs from its task %s in user or priority', delivery.id, task.id)
  from public.deliveries as delivery
  join public.tasks as task on task.id = delivery.task_id
  where delivery.priority <> task.priority
    or delivery.user_id is distinct from task.user_id`,

  `select format('delivery %s is delivered and no try of it says so', delivery.id)
  from public.deliveries as delivery
  where delivery.status = 'delivered'
    -- Of tasks that ended long ago all tries may have been pruned, together; and one of those may have been retried since.
    and (
      exists (select from public.delivery_attempts as tried where tried.delivery_id = delivery.id)
      or not exists (
        select from public.task_progress as progress
        where progress.task_id = delivery.task_id and progress.run_id is null
      )
    )
    and not exists (
      select from public.delivery_attempts as tried
      where tried.delivery_id = delivery.id and tried.attempt = delivery.attempt and tried.outcome = 'delivered'
    )`,

  `select format('attempt %s of delivery %s was recorded, and the delivery has settled no more than %s', tried.attempt,
    delivery.id, delivery.settled_attempt)
  from public.delivery_attempts as tried
  join public.deliveries as delivery on delivery.id = tried.delivery_id
  where tried.attempt > delivery.settled_attempt`,
];
