// Services on stand-ins for launchd and systemd, in a folder of their own.
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import type { UnitOptions } from '../../src/install/unit.ts';
import type { Programs } from './programs.ts';

/** Of user 501 in a temporary folder; `node` is steady unless `given` says otherwise. */
export function unitOptions(programs: Programs, given: Partial<UnitOptions> = {}): UnitOptions {
  const { folder, run } = programs;

  return {
    scope: 'user',
    home: path.join(folder, 'home of a&b'),
    installation: path.resolve('.'),
    account: {
      name: 'sam',
      uid: 501,
      gid: 20,
      homeFolder: path.join(folder, 'sam'),
    },
    run,
    node: { path: '/bin/sh', version: 'v24.21.0', candidates: [] },
    root: path.join(folder, 'root'),
    delay: () => pause(1),
    ...given,
  };
}
