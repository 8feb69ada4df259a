// A PostgreSQL of the operator's own, named by DATABASE_URL: checked, and entered as `service_role`.
import { appError, type AppError } from '../core/errors.ts';
import { codeOf, withClient, withRole } from './connection.ts';
import { workerRole } from './prelude.ts';

const oldestVersion = 150_000;
const transactionPoolerPort = '6543';
/** Codes with which a server turns a login away, rather than being out of reach. */
const refusals: readonly (string | undefined)[] = ['28P01', '28000', '3D000'];

/** Throws `config_invalid` or `database_unavailable`, with a text that says what to change and holds no password. */
export async function checkExternal(databaseUrl: string): Promise<void> {
  const { host, port } = parseAddress(databaseUrl);
  if (port === transactionPoolerPort) {
    throw invalid(
      'its port 6543 is a transaction pooler, which passes no notifications: use the session pooler or the ' +
        'database itself (port 5432)',
    );
  }

  const version = await readVersion(databaseUrl).catch((cause: unknown) => {
    throw refusals.includes(codeOf(cause))
      ? invalid(`${host} turns the login away (${codeOf(cause)})`, cause)
      : appError('database_unavailable', { detail: `DATABASE_URL (${host})`, host }, { cause });
  });
  if (version < oldestVersion) {
    throw invalid(
      `${host} runs PostgreSQL ${Math.floor(version / 10_000)}: Nightshift needs 15 or newer`,
    );
  }
}

/** The address under which workers use the server. Needs the prelude. */
export async function enterExternal(databaseUrl: string): Promise<string> {
  const url = withRole(databaseUrl, workerRole);
  if (await isWorker(url)) return url;

  // Whoever creates a role may grant it, but is not always allowed to become it.
  await withClient(databaseUrl, (client) =>
    client.query(`grant ${workerRole}, authenticated, anon to current_user`),
  ).catch(() => undefined);
  if (await isWorker(url)) return url;

  throw invalid(
    `its user cannot become ${workerRole}. Run \`grant ${workerRole} to <user>\` as a superuser; ` +
      `a pooler in between must pass the startup parameter \`options\``,
  );
}

function parseAddress(databaseUrl: string): { host: string; port: string } {
  const url = URL.canParse(databaseUrl) ? new URL(databaseUrl) : undefined;
  if (url === undefined || !/^postgres(ql)?:$/.test(url.protocol)) {
    throw invalid('it is no address such as postgres://user:password@host:5432/database');
  }

  return { host: url.hostname, port: url.port };
}

async function readVersion(url: string): Promise<number> {
  const { rows } = await withClient(url, (client) =>
    client.query<{ version: string }>(`select current_setting('server_version_num') as version`),
  );

  return Number(rows[0]?.version);
}

async function isWorker(url: string): Promise<boolean> {
  const answer = await withClient(url, (client) =>
    client.query<{ role: string }>('select current_user as role'),
  ).catch(() => undefined);

  return answer?.rows[0]?.role === workerRole;
}

function invalid(problem: string, cause?: unknown): AppError {
  return appError('config_invalid', { detail: `DATABASE_URL: ${problem}` }, { cause });
}
