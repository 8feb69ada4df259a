// What a workload is given and what it answers.
import type { Adapter, Address, PeerName } from '../contract.ts';

/** Values by the names of figures; `null` where the system cannot do it, or not within the time that is waited. */
export type Figures = Record<string, number | null>;

export type Place = {
  peer: PeerName;
  adapter: Adapter;
  address: Address;
  /** The server's first process: its family's processor time is PostgreSQL's. */
  postgresPid: number;
};

/** How much of everything: 1 is the full size. */
export type Size = { scale: number; seconds: number };
