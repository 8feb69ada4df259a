// The part of PostgREST that the queue uses, on a real database, behind a gateway that can misbehave.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { DatabaseError, Pool, type PoolClient } from 'pg';

export const secretKey = 'sb_secret_planted-for-tests_0123456789';
export const publishableKey = 'sb_publishable_planted-for-tests_0123456789';

/** What happens to one request instead of an answer. */
export type Misbehaviour =
  | { type: 'answer'; status: number; body: string; headers?: Record<string, string> }
  /** The connection breaks before the call was made. */
  | { type: 'cut' }
  /** The call is made and committed, and the connection breaks before the answer. */
  | { type: 'lose reply' }
  /** The call is made and committed, and the answer breaks off in the middle. */
  | { type: 'truncate' }
  /** Nothing ever comes. */
  | { type: 'hang' };

export type RpcCall = { name: string; headers: IncomingMessage['headers']; body: string };

export type PostgrestServer = AsyncDisposable & {
  url: string;
  /** Requests so far, those that were answered badly too. */
  calls: RpcCall[];
  /** Lets the next requests to the function misbehave, one each. */
  misbehave(name: string, ...how: Misbehaviour[]): void;
  /** Lets every request misbehave, until it is called without a way to. */
  outage(how?: Misbehaviour): void;
  /** Lets a bearer of this token act as a user. */
  signIn(token: string, userId: string): void;
};

type Signature = { args: string[]; types: string[]; required: number; isVoid: boolean };
type Caller = { role: string; claims: Record<string, unknown> };
type Reply = { status: number; body: string };

/** Serves `/rest/v1/rpc/<function>`; `databaseUrl` logs in as one who may become each of Supabase's roles. */
export async function startPostgrest(databaseUrl: string): Promise<PostgrestServer> {
  const pool = new Pool({ connectionString: databaseUrl, max: 16 });
  pool.on('error', () => undefined);
  const calls: RpcCall[] = [];
  const faults = new Map<string, Misbehaviour[]>();
  const users = new Map<string, string>();
  let cache: Promise<Map<string, Signature>> | undefined;
  let always: Misbehaviour | undefined;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const name = /^\/rest\/v1\/rpc\/(\w+)$/.exec(request.url ?? '')?.[1] ?? '';
    const call = { name, headers: request.headers, body: await read(request) };
    calls.push(call);
    const fault = always ?? faults.get(name)?.shift();
    if (fault !== undefined && (await spoil(fault, response, () => serve(call)))) return;

    send(response, await serve(call));
  }

  async function serve(call: RpcCall): Promise<Reply> {
    const caller = callerOf(call.headers, users);
    if ('status' in caller) return caller;
    cache ??= readSignatures(pool);

    return await callFunction(pool, await cache, { call, caller });
  }

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;

  return {
    url: `http://127.0.0.1:${port}`,
    calls,
    misbehave: (name, ...how) => void faults.set(name, [...(faults.get(name) ?? []), ...how]),
    outage: (how) => void (always = how),
    signIn: (token, userId) => void users.set(token, userId),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await pool.end();
    },
  };
}

async function read(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(Buffer.from(part));

  return Buffer.concat(parts).toString('utf8');
}

function send(response: ServerResponse, { status, body }: Reply): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
  response.end(body);
}

// True when nothing more is to be answered.
async function spoil(
  fault: Misbehaviour,
  response: ServerResponse,
  serve: () => Promise<Reply>,
): Promise<boolean> {
  switch (fault.type) {
    case 'answer':
      response.writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers });
      response.end(fault.body);
      return true;
    case 'cut':
      response.destroy();
      return true;
    case 'lose reply':
      await serve();
      response.destroy();
      return true;
    case 'truncate': {
      const { body } = await serve();
      response.writeHead(200, { 'content-length': Buffer.byteLength(body) });
      response.write(body.slice(0, body.length / 2), () => response.destroy());
      return true;
    }
    case 'hang':
      return true;
  }
}

// The gateway: it knows the keys, and which role each stands for.
function callerOf(headers: IncomingMessage['headers'], users: Map<string, string>): Caller | Reply {
  const key = headers['apikey'];
  const bearer = headers.authorization?.replace(/^Bearer /, '');
  if (key === undefined) return gateway('No API key found in request');
  if (key !== secretKey && key !== publishableKey) return gateway('Invalid API key');
  if (bearer === undefined || bearer === key) {
    const role = key === secretKey ? 'service_role' : 'anon';
    return { role, claims: { role } };
  }

  const sub = users.get(bearer);
  return sub === undefined
    ? fault(401, { code: 'PGRST301', message: 'No suitable key was found to decode the JWT' })
    : { role: 'authenticated', claims: { sub, role: 'authenticated' } };
}

function gateway(message: string): Reply {
  const hint = 'Double check your Supabase `anon` or `service_role` API key.';
  return { status: 401, body: JSON.stringify({ message, hint }) };
}

type Fault = { code: string; message: string; details?: string | null; hint?: string | null };

function fault(status: number, { code, message, details = null, hint = null }: Fault): Reply {
  return { status, body: JSON.stringify({ code, details, hint, message }) };
}

// PostgREST's schema cache: names, and for each the arguments that it can be told apart by.
async function readSignatures(pool: Pool): Promise<Map<string, Signature>> {
  const { rows } = await pool.query<Signature & { name: string }>(`
    select function.proname as name,
      coalesce(function.proargnames, '{}') as args,
      array(
        select format_type(argument.type, null)
        from unnest(function.proargtypes::oid[]) with ordinality as argument (type, place)
        order by argument.place
      ) as types,
      function.pronargs - function.pronargdefaults as required,
      function.prorettype = 'void'::regtype as "isVoid"
    from pg_proc as function
    where function.pronamespace = 'public'::regnamespace and function.prokind = 'f'`);

  return new Map(rows.map(({ name, ...signature }) => [name, signature]));
}

async function callFunction(
  pool: Pool,
  cache: Map<string, Signature>,
  { call, caller }: { call: RpcCall; caller: Caller },
): Promise<Reply> {
  const given = parseObject(call.body);
  if (given === undefined)
    return fault(400, { code: 'PGRST102', message: 'Empty or invalid json' });
  const names = Object.keys(given);
  const signature = cache.get(call.name);
  if (signature === undefined || !takes(signature, names)) return missing(call.name, names);

  const client = await pool.connect();
  try {
    await client.query('begin isolation level read committed read write');
    await become(client, caller);
    const { rows } = await client.query<{ body: string | null }>(
      statementOf(call, signature, names),
      names.length > 0 ? [call.body] : [],
    );
    await client.query('commit');

    return signature.isVoid
      ? { status: 204, body: '' }
      : { status: 200, body: rows[0]?.body ?? 'null' };
  } catch (error) {
    await client.query('rollback');
    return refusal(error, caller);
  } finally {
    client.release();
  }
}

async function become(client: PoolClient, { role, claims }: Caller): Promise<void> {
  await client.query(
    `select set_config('role', $1, true), set_config('request.jwt.claims', $2, true),
      set_config('search_path', 'public, extensions', true), set_config('statement_timeout', '8s', true)`,
    [role, JSON.stringify(claims)],
  );
}

function takes({ args, required }: Signature, names: string[]): boolean {
  const isKnown = names.every((name) => args.includes(name));
  return isKnown && args.slice(0, required).every((name) => names.includes(name));
}

function statementOf({ name }: RpcCall, { args, types }: Signature, names: string[]): string {
  if (names.length === 0) return `select to_json(public."${name}"())::text as body`;
  const columns = names.map((argument) => `"${argument}" ${types[args.indexOf(argument)]}`);
  const passed = names.map((argument) => `"${argument}" := given."${argument}"`);

  return `select to_json(public."${name}"(${passed.join(', ')}))::text as body
    from json_to_record($1::json) as given (${columns.join(', ')})`;
}

function missing(name: string, names: string[]): Reply {
  const form = `public.${name}${names.length === 0 ? '' : `(${names.join(', ')})`}`;
  return fault(404, {
    code: 'PGRST202',
    message: `Could not find the function ${form} in the schema cache`,
    details: `Searched for the function ${form}, but no matches were found in the schema cache.`,
  });
}

function refusal(error: unknown, caller: Caller): Reply {
  if (!(error instanceof DatabaseError) || error.code === undefined) {
    return fault(503, { code: 'PGRST000', message: 'Database connection error. Retrying.' });
  }
  const { code, message, detail, hint } = error;

  return fault(statusOf(code, caller), {
    code,
    message,
    details: detail ?? null,
    hint: hint ?? null,
  });
}

// PostgREST's table, the first that fits; everything else is a 400.
const statuses: readonly [RegExp, number][] = [
  [/^08/, 503],
  [/^09/, 500],
  [/^0[LP]/, 403],
  [/^2350[35]$/, 409],
  [/^25006$/, 405],
  [/^25/, 500],
  [/^28/, 403],
  [/^(2D|38|39|3B|40)/, 500],
  [/^53400$/, 500],
  [/^53/, 503],
  [/^(54|55|57|58|F0|HV|XX)/, 500],
  [/^P0001$/, 400],
  [/^P0/, 500],
  [/^42(883|P01)$/, 404],
  [/^42P17$/, 500],
];

function statusOf(code: string, { role }: Caller): number {
  if (code === '42501') return role === 'anon' ? 401 : 403;
  if (/^PT\d{3}$/.test(code)) return Number(code.slice(2));

  return statuses.find(([pattern]) => pattern.test(code))?.[1] ?? 400;
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = text === '' ? {} : JSON.parse(text);
    return value !== null && typeof value === 'object' && !Array.isArray(value)
      ? { ...value }
      : undefined;
  } catch {
    return undefined;
  }
}
