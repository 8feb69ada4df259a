// The words of the product's life cycle: states, priorities and the names of the seven agents.
import { z } from 'zod';

export const agentNames = ['vision', 'apex', 'nova', 'echo', 'pixel', 'reel', 'social'] as const;
export type AgentName = (typeof agentNames)[number];

export const taskStatuses = [
  'pending',
  'running',
  'delivering',
  'complete',
  'partial',
  'failed',
  'cancelled',
] as const;
export const TaskStatus = z.enum(taskStatuses);
export type TaskStatus = z.infer<typeof TaskStatus>;

export const RunStatus = z.enum([
  'blocked',
  'pending',
  'running',
  'complete',
  'failed',
  'cancelled',
  'skipped',
]);
export type RunStatus = z.infer<typeof RunStatus>;

export const DeliveryStatus = z.enum([
  'blocked',
  'pending',
  'running',
  'delivered',
  'failed',
  'skipped',
]);
export type DeliveryStatus = z.infer<typeof DeliveryStatus>;

/** How urgent a task is; the numbers are what the database orders by, highest first. */
export const priorities = { low: 1, normal: 5, high: 10, critical: 20 } as const;
export const PriorityName = z.enum(['low', 'normal', 'high', 'critical']);
export type PriorityName = z.infer<typeof PriorityName>;

/** `parallel` starts every agent at once; `waves` hands the outputs of one wave to the next. */
export const TaskProfile = z.enum(['parallel', 'waves']);
export type TaskProfile = z.infer<typeof TaskProfile>;

const terminalTask: readonly TaskStatus[] = ['complete', 'partial', 'failed', 'cancelled'];

export function isTerminalTask(status: TaskStatus): boolean {
  return terminalTask.includes(status);
}
