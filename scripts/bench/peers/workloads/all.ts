// The workloads by name.
import { backlog } from './backlog.ts';
import { idle } from './idle.ts';
import { pickup } from './pickup.ts';
import { recovery } from './recovery.ts';
import { slow } from './slow.ts';
import { jobs, throughput } from './throughput.ts';

export const workloads = { throughput, jobs, pickup, slow, backlog, recovery, idle };
export type WorkloadName = keyof typeof workloads;

/** How often each is measured, in turn with the others. The rest take long and vary little. */
export const roundsOf: Record<WorkloadName, 'many' | 'one'> = {
  throughput: 'many',
  jobs: 'many',
  slow: 'many',
  pickup: 'one',
  backlog: 'one',
  recovery: 'one',
  idle: 'one',
};
