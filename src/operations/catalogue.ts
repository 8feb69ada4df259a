// Every verb of the product, for the doors that offer all of them.
import { cancel, retry } from './changing.ts';
import { prune } from './prune.ts';
import { agents, list, progress, results, status } from './reading.ts';
import { submit } from './submit.ts';

export const operations = {
  submit,
  list,
  status,
  progress,
  results,
  cancel,
  retry,
  agents,
  prune,
} as const;
