// Checks of the database: its programs, reach, version, schema, roles, pooler, and work that is stuck.
import type { QueueState } from '../../core/queue.ts';
import { messageOf } from '../../core/errors.ts';
import { type Check, fail, type Finding, ok, skip, warn } from './check.ts';
import { type DatabaseFacts, type DoctorPorts, secretsOf } from '../ports.ts';

const oldestServer = 150_000;
const testedServer = 170_000;
const transactionPooler = '6543';
const longWaitSeconds = 3_600;

export function databaseChecks(ports: DoctorPorts): Check[] {
  const about =
    (judge: (facts: DatabaseFacts) => Finding): Check['look'] =>
    async () => {
      if (ports.config === null) return skip('needs a valid configuration');
      // Why it does not answer is told once, by the check `database`.
      const facts = await ports.database().catch(() => null);
      return facts === null ? skip('no database answers') : judge(facts);
    };

  return [
    { id: 'install-scripts', look: () => checkPrograms(ports) },
    { id: 'database', look: () => checkReach(ports) },
    { id: 'database-version', look: about(checkVersion) },
    { id: 'schema', look: about(checkSchema) },
    { id: 'roles', look: about(checkRoles) },
    { id: 'pooler', look: async () => checkPooler(ports) },
    { id: 'stuck-work', look: about(checkStuckWork) },
  ];
}

async function checkPrograms(ports: DoctorPorts): Promise<Finding> {
  const { DATABASE_URL: external } = secretsOf(ports);
  if (external !== undefined || ports.config?.profile === 'supabase') {
    return skip('the database is not run by Nightshift');
  }

  const { postgres, missingLinks } = await ports.programs();
  if (missingLinks.length > 0) {
    return {
      ...fail(
        `npm ran no install scripts: ${missingLinks.length} library links of PostgreSQL are missing`,
        'run nightshift doctor --fix (a start mends it too)',
      ),
      async fix() {
        await ports.restoreLinks();
        return `made ${missingLinks.length} library links`;
      },
    };
  }
  const { code, stdout, stderr } = await ports.run(postgres, ['--version']);
  return code === 0
    ? ok(stdout.trim())
    : fail(
        `PostgreSQL does not run (${firstLine(stderr) || `code ${code}`})`,
        'run npm ci, or set DATABASE_URL',
      );
}

async function checkReach(ports: DoctorPorts): Promise<Finding> {
  if (ports.config === null) return skip('needs a valid configuration');

  try {
    const before = performance.now();
    const facts = await ports.database();
    if (facts === null) return skip('no daemon runs, and the database stops with it');
    return ok(`the database answers in ${Math.round(performance.now() - before)} ms`);
  } catch (error) {
    return fail(messageOf(error), 'see that it runs, and that DATABASE_URL is right');
  }
}

function checkVersion({ serverVersion }: DatabaseFacts): Finding {
  if (serverVersion === null) return skip('Supabase takes care of it');
  const name = `PostgreSQL ${Math.floor(serverVersion / 10_000)}.${serverVersion % 10_000}`;
  if (serverVersion < oldestServer) return fail(`${name} is too old`, 'use 15 or newer, best 17');

  return serverVersion < testedServer ? warn(name, 'works, but 17 is what is tested') : ok(name);
}

function checkSchema({ pending, newer, edited }: DatabaseFacts): Finding {
  if (newer !== null) return fail(newer, 'update this installation');
  if (pending.length > 0) {
    return fail(
      `${pending.length} migrations are missing, the first ${pending[0]}`,
      'run nightshift migrate',
    );
  }

  return edited.length === 0
    ? ok('the schema is up to date')
    : warn(
        `changed after the database was migrated with it: ${edited.join(', ')}`,
        'put the file back as it was released; changes go into a new one',
      );
}

function checkRoles({ roles }: DatabaseFacts): Finding {
  if (roles === null) return skip('Supabase decides by the key: see supabase-keys');
  const { login, role } = roles;

  if (role.isSuperuser || role.ownsTables) {
    const what = role.isSuperuser ? 'a superuser' : 'the owner of the tables';
    return fail(
      `the work is done as ${role.name}, who is ${what}: row security does not bind it`,
      'give DATABASE_URL a login that may only become service_role',
    );
  }
  return login.isSuperuser
    ? warn(
        `the login ${login.name} is a superuser, though the work is done as ${role.name}`,
        'use a login of its own in DATABASE_URL; migrate with the other',
      )
    : ok(`the work is done as ${role.name}`);
}

function checkPooler(ports: DoctorPorts): Finding {
  const { DATABASE_URL: url } = secretsOf(ports);
  if (url === undefined || !URL.canParse(url)) return skip('there is no DATABASE_URL');

  return new URL(url).port === transactionPooler
    ? fail(
        'DATABASE_URL names a transaction pooler (port 6543), which passes no notifications',
        'use the session pooler or the database itself (port 5432)',
      )
    : ok('no transaction pooler in between');
}

function checkStuckWork({ state, failing }: DatabaseFacts): Finding {
  if (state === null) return skip('there are no tables yet');
  const stuck = stuckRuns(state);
  if (stuck !== null) return stuck;

  const [worst] = failing.toSorted((one, other) => other.count - one.count);
  if (worst === undefined) return ok('nothing is stuck');
  const reason = worst.error === null ? '' : `: ${worst.error}`;
  return warn(
    `${worst.count} deliveries to ${worst.sink} fail${reason}`,
    'mend the cause, then nightshift retry <task>',
  );
}

function stuckRuns({ workers, runsWaiting, oldestWaitingSeconds }: QueueState): Finding | null {
  if (runsWaiting === 0) return null;
  if (!workers.some(({ alive }) => alive)) {
    return fail(`${runsWaiting} runs wait, and no worker lives`, 'start one: nightshift start');
  }
  if ((oldestWaitingSeconds ?? 0) < longWaitSeconds) return null;

  const hours = ((oldestWaitingSeconds ?? 0) / longWaitSeconds).toFixed(1);
  return warn(
    `${runsWaiting} runs wait, the oldest for ${hours} h`,
    'raise concurrency.runs, or add a machine',
  );
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0] ?? '';
}
