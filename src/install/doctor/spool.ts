// Check of the disk spool: work that waits there for the database, and what somebody should look at.
import { type Check, type Finding, ok, warn } from './check.ts';
import type { DoctorPorts } from '../ports.ts';

export function spoolChecks(ports: DoctorPorts): Check[] {
  return [{ id: 'spool', look: () => checkSpool(ports) }];
}

async function checkSpool({ spoolFacts }: DoctorPorts): Promise<Finding> {
  const { path, steps, outcomes, tasks, late, refused } = await spoolFacts();
  const aside = [
    ...(late > 0 ? [`${late} finished too late to count (${path}/late)`] : []),
    ...(refused > 0 ? [`${refused} refused by the database or unreadable (${path}/refused)`] : []),
  ];
  if (aside.length > 0) {
    return warn(
      `put aside: ${aside.join(', ')}`,
      'each file says why and holds the work: take from it what you need, then remove it',
    );
  }

  const waiting = steps + outcomes + tasks;
  if (waiting === 0) return ok('nothing waits on the disk for the database');
  return warn(
    `${tasks} briefs, ${outcomes} outcomes and ${steps} steps wait on the disk for the database`,
    'they go in by themselves once a daemon of this home reaches it: see the checks of the database',
  );
}
