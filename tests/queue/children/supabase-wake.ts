// Listens to Realtime until the first wake-up, stops listening, and has nothing more to do.
import { systemClock } from '../../../src/daemon/clock.ts';
import { listenSupabase } from '../../../src/queue/supabase-wake.ts';
import { silentLog } from '../../support/cluster.ts';

const [, , url = '', key = ''] = process.argv;
const { promise: woken, resolve } = Promise.withResolvers<void>();

const listening = listenSupabase(
  { url, key, workerId: crypto.randomUUID(), log: silentLog, clock: systemClock },
  { wake: () => resolve(), connected: () => undefined },
);
await woken;
process.stdout.write('woken\n');
await listening[Symbol.asyncDispose]();
process.stdout.write('disposed\n');
