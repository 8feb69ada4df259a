// What has been released and is in use: the migrations as they are in databases, and the calls that older builds make.

/** The SHA-256 of each released migration. A release adds its new files here. */
export const releasedMigrations: Readonly<Record<string, string>> = {
  '20261122000100_clock.sql': '5e27cc5a55f1955d9951f638b7f7be79dc1eabd5ff98d3ca9405be7e03d417fd',
  '20261122000200_agents.sql': '320ce1cc0f6ef3a57706397a7bac62daae87bca71366fac6d3853b9f5893583b',
  '20261122000300_tasks.sql': '721f4f5ed681a17044b40ac1ccec46eea5d0686537c055113b6ed2b2b1ef4b46',
  '20261122000400_runs.sql': '11d20fc803dd21c155bcdb34dc8639105a7306b944f14d6c41f207e3e7465b90',
  '20261122000500_deliveries.sql':
    'b22c6114468e1e7b8c316b4afb513b58372d6ce889baebf5feaae1ac88e58bb6',
  '20261122000600_workers.sql': '02d22ed30ffab39de0b9296c7fc7b14b013bedf469a9857c64c89e49c50c9d8a',
  '20261122000700_line.sql': '99d58be66a6d1bbe5cb5f38c642292fc6be9123624e0847528d8625ad03b5084',
  '20261122000800_submit.sql': '02cb7f4d442d9adff8c1c3439bbd451e813731db29aa161482dfdf108ebafe90',
  '20261122000900_claim.sql': '6846104b4276fcee56a5ed12e309baa16ffff7b3aa0997e19d0acf86b2d651dd',
  '20261122001000_advance.sql': '4fb7434c7abb8d52b145bcdecd1f41d74177d90f201e2130eed45e48d8df8f7c',
  '20261122001100_settle.sql': '5bcd7a1dc69a8abf5a915d40f44790bd4a3b01604d70259a83dd317be10209b4',
  '20261122001200_workers_live.sql':
    'a71c14236e05304306751b7a8c7331c5519c472aab8bec89e15953fe9fe32c18',
  '20261122001300_cancel_retry.sql':
    'c600363ff1c965afa47e700ef4bdd518509a6c89c3891ff69776b2001588286e',
  '20261122001400_reading.sql': 'f660508106cecf13d6572c6106f6b5c56db8be8e2d0f81b6fb19a972d0eefe93',
  '20261122001500_security.sql': 'b1c0d220d032d57eab3cfe80872a9679adce72aca5bdf3bf7940c03701f7ad3a',
  '20261122001600_notify.sql': 'bed864a686cbbaaa15689789086a74ee3ceb6c17cfd8e208a1fa325478a532c4',
  '20261122001700_schema_version.sql':
    '7ab3d6f474eee4536b555bc56df4ed3191e03ee4540bea6f5f118671f81d782c',
};

/** The functions that released builds call, and the names of the arguments that they give. */
export const releasedCalls: Readonly<Record<string, readonly string[]>> = {
  acquire_lease: ['p_name', 'p_holder', 'p_seconds'],
  beat: ['p_worker_id', 'p_runs', 'p_deliveries'],
  cancel_task: ['p_task_id'],
  claim_deliveries: ['p_worker_id', 'p_claim_id', 'p_limit'],
  claim_runs: ['p_worker_id', 'p_claim_id', 'p_limit'],
  find_tasks: ['p_prefix'],
  hold_session: ['p_worker_id'],
  list_tasks: ['p_status', 'p_limit', 'p_before'],
  read_deliverable: ['p_deliverable_id'],
  read_delivery_result: ['p_delivery_id'],
  read_progress: ['p_task_id', 'p_after'],
  read_state: [],
  read_task: ['p_task_id'],
  record_delivery: ['p_delivery_id', 'p_attempt', 'p_result'],
  record_poll: ['p_worker_id', 'p_trigger', 'p_started_at', 'p_claimed', 'p_settled', 'p_error'],
  record_steps: ['p_steps'],
  register_agents: ['p_agents'],
  register_worker: [
    'p_worker_id',
    'p_name',
    'p_version',
    'p_lease_seconds',
    'p_sinks',
    'p_retry',
    'p_replaces',
  ],
  release_lease: ['p_name', 'p_holder'],
  retire_worker: ['p_worker_id'],
  retry_task: ['p_task_id'],
  schema_version: [],
  settle_deliveries: ['p_worker_id', 'p_outcomes'],
  settle_runs: ['p_worker_id', 'p_outcomes'],
  submit_task: ['p_task'],
  sweep: [],
  take_turn: [
    'p_worker_id',
    'p_claim_id',
    'p_runs_wanted',
    'p_deliveries_wanted',
    'p_runs',
    'p_deliveries',
  ],
};
