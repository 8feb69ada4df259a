// Single connections to a database, and addresses for them.
import pg from 'pg';

const defaultConnectTimeoutMs = 10_000;

/** Where a login leads. `role` is taken on at login; the login role itself may then hold no rights. */
export type Target = {
  host: string;
  port: number;
  user: string;
  password: string;
  database: string;
  role?: string;
};

/** A connection URL. It holds the password: never log it. */
export function urlOf(target: Target): string {
  const url = new URL(`postgres://${target.host}:${target.port}`);
  url.username = encodeURIComponent(target.user);
  url.password = encodeURIComponent(target.password);
  url.pathname = `/${encodeURIComponent(target.database)}`;

  return target.role === undefined ? url.href : withRole(url.href, target.role);
}

/** The same address, but for a session that starts out as `role`. */
export function withRole(url: string, role: string): string {
  const changed = new URL(url);
  const options = [changed.searchParams.get('options'), `-c role=${role}`];
  changed.searchParams.delete('options');
  // Not `searchParams.set`: it writes spaces as `+`, which some clients take literally.
  const search = [
    changed.searchParams.toString(),
    `options=${encodeURIComponent(options.filter(Boolean).join(' '))}`,
  ];
  changed.search = search.filter(Boolean).join('&');

  return changed.href;
}

/** The same server and login, another database. */
export function withDatabase(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${encodeURIComponent(database)}`;

  return changed.href;
}

/** Connects, works and always disconnects again. Throws what `pg` throws. */
export async function withClient<Result>(
  url: string,
  work: (client: pg.Client) => Promise<Result>,
  connectTimeoutMs = defaultConnectTimeoutMs,
): Promise<Result> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: connectTimeoutMs,
    application_name: 'nightshift',
  });
  // A connection that dies while idle must not end the program; the next query on it fails by itself.
  client.on('error', () => undefined);

  try {
    await client.connect();
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** The SQLSTATE, or the system's code such as ECONNREFUSED. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined;
}
