// A worker in a process of its own: tells its parent what it does, and may be killed at any moment.
import { once } from 'node:events';

import { loadAdapter } from '../load.ts';
import type { HolderOrder } from '../workloads/recovery.ts';

// Not an argument: the addresses hold passwords.
const [order]: HolderOrder[] = await once(process, 'message');
if (order === undefined) throw new Error('no order came');
const adapter = await loadAdapter(order.peer);
const session = await adapter.open(order.address);

await session.work({
  concurrency: order.concurrency,
  mode: 'watchful',
  worker: order.worker,
  async run() {
    process.send?.('begun');
    return order.holds ? await new Promise<string>(() => undefined) : 'done';
  },
});
process.send?.('serves');
