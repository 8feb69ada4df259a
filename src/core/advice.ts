// What people are to do about a daemon that does not come to serve, by the code of its error.
import { isDiskCode } from './disk.ts';
import type { ErrorCode } from './errors.ts';

const configured: readonly string[] = [
  'config_invalid',
  'agent_definition_invalid',
  'database_key_refused',
] satisfies ErrorCode[];

const outdated: readonly string[] = ['database_newer', 'database_behind'] satisfies ErrorCode[];

/** One sentence. `code` is of the error catalogue, or `unexpected`. */
export function adviceFor(code: string): string {
  if (configured.includes(code)) {
    return (
      'Mend it in config.yaml, .env or the agent file: it is noticed at once. What stands in the environment of the ' +
      'service needs `nightshift service restart`'
    );
  }
  if (outdated.includes(code))
    return 'Bring both to the same version, then `nightshift service restart`';

  if (isDiskCode(code)) return 'Free some space: the daemon tries again by itself';

  return 'Mend the cause (`nightshift doctor` helps to find it): the daemon tries again by itself';
}
