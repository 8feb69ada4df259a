// One measurement of one queue, in a process of its own: nothing is left over from the one before.
import { once } from 'node:events';

import type { Address, PeerName } from '../contract.ts';
import { loadAdapter } from '../load.ts';
import { workloads, type WorkloadName } from '../workloads/all.ts';
import type { Size } from '../workloads/types.ts';

export type MeasurementOrder = {
  peer: PeerName;
  workload: WorkloadName;
  address: Address;
  postgresPid: number;
  size: Size;
};

// Not an argument: the addresses hold passwords.
const [order]: MeasurementOrder[] = await once(process, 'message');
if (order === undefined) throw new Error('no order came');
const { peer, workload, address, postgresPid, size } = order;
const adapter = await loadAdapter(peer);
await adapter.install(address);
const figures = await workloads[workload]({ peer, adapter, address, postgresPid }, size);

process.send?.(figures, () => process.exit(0));
