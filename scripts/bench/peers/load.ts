// Loads one queue's adapter, and with it that queue's package only.
import type { Adapter, PeerName } from './contract.ts';

export async function loadAdapter(name: PeerName): Promise<Adapter> {
  switch (name) {
    case 'nightshift':
      return (await import('./adapters/nightshift.ts')).adapter;
    case 'pg-boss':
      return (await import('./adapters/pg-boss.ts')).adapter;
    case 'graphile-worker':
      return (await import('./adapters/graphile-worker.ts')).adapter;
    case 'dbos':
      return (await import('./adapters/dbos.ts')).adapter;
    case 'absurd':
      return (await import('./adapters/absurd.ts')).adapter;
  }
}
