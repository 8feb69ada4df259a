// Google Drive and Google's sign-in over real HTTP on 127.0.0.1: strict, with a journal, and able to misbehave.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

import { answerCall, type ApiCall, callFaults, Metadata } from './drive/api.ts';
import { parseRelated } from './drive/multipart.ts';
import { createUploads } from './drive/resumable.ts';
import { type Reply, refusal } from './drive/reply.ts';
import { createStore, type Store } from './drive/store.ts';
import { createTokens, type Tokens } from './drive/tokens.ts';

/** A request as the journal keeps it; it never holds a token. */
export type JournalEntry = {
  /** Counts from 1. */
  n: number;
  /** When it came, in milliseconds since this process began: servers side by side can be compared. */
  at: number;
  call: 'token' | 'auth' | `files.${string}` | 'upload.start' | 'upload.part' | 'unknown';
  /** Name, kind and parents of what is made; the id of what is changed. */
  name?: string;
  mimeType?: string;
  parents?: string[];
  id?: string;
  trashed?: boolean;
  query: Record<string, string>;
  /** Of the content. */
  bytes: number;
  /** What came of it; absent where no reply was sent. */
  status?: number;
};

export type Misbehaviour =
  /** An answer in place of the effect. */
  | { type: 'reply'; reply: Reply }
  /** No answer and no effect, until the client gives up. */
  | { type: 'hang' }
  /** The connection ends before anything is done. */
  | { type: 'cut' }
  /** The connection ends after this much of an upload's part. */
  | { type: 'cut_after'; bytes: number }
  /** Done, but the connection ends before the reply. */
  | { type: 'lost_reply' }
  /** Done, but the reply is what some proxy made of it. */
  | { type: 'garbage' };

export type DriveServer = AsyncDisposable & {
  /** For `rootUrl`. */
  url: string;
  tokenUrl: string;
  authUrl: string;
  store: Store;
  tokens: Tokens;
  journal: JournalEntry[];
  /** Asked about every request before it is done; undefined behaves. */
  misbehave: (entry: JournalEntry) => Misbehaviour | undefined;
  /** Text of everything that is not in the bin, by path; folders end in `/`. */
  shown(): Record<string, string>;
  forgetUploads(): void;
  /** What clients asked for that Google does not know. Must stay empty; disposing fails otherwise. */
  violations: string[];
};

export async function startDriveServer(): Promise<DriveServer> {
  const store = createStore();
  const tokens = createTokens();
  const journal: JournalEntry[] = [];
  const violations: string[] = [];
  const uploads = createUploads(
    () => drive.url,
    (call) => answerCall(store, call),
  );
  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => {
      // Who is killed in the middle of a request has broken no rule.
      if (!request.complete) return void response.destroy();
      violations.push(String(error));
      send(response, refusal(400, 'badRequest', String(error)));
    });
  });

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', drive.url);
    const moment = { n: journal.length + 1, at: performance.now() };
    const entry: JournalEntry = { ...moment, ...nameOf(request, url) };
    journal.push(entry);
    // Only a part of an upload can be cut within; of all else the rule may see what it is about.
    const early = entry.call === 'upload.part' ? drive.misbehave(entry) : undefined;
    const limit = early?.type === 'cut_after' ? early.bytes : Number.POSITIVE_INFINITY;
    const body = await readBody(request, limit);
    Object.assign(entry, { bytes: body.length, ...aboutBody(request, body) });
    const fault = entry.call === 'upload.part' ? early : drive.misbehave(entry);
    if (fault?.type === 'hang') return;
    if (fault?.type === 'cut') return void request.socket.destroy();

    const isCut = fault?.type === 'cut_after';
    const reply =
      fault?.type === 'reply' ? fault.reply : answer({ request, url, body, entry, isCut });
    if (isCut || fault?.type === 'lost_reply') return void request.socket.destroy();
    entry.status = reply.status;
    send(response, fault?.type === 'garbage' ? garbage : reply);
  }

  type Asked = {
    request: IncomingMessage;
    url: URL;
    body: Buffer;
    entry: JournalEntry;
    isCut: boolean;
  };

  function answer({ request, url, body, entry, isCut }: Asked): Reply {
    if (entry.call === 'token') return tokens.grant(new URLSearchParams(body.toString()));
    if (entry.call === 'auth') return tokens.authorise(url.searchParams);
    const scope = tokens.scopeOf(request.headers.authorization);
    if (scope === undefined) return refusal(401, 'authError', 'Invalid Credentials');
    if (entry.call === 'upload.part') {
      return uploads.put(url, request.headers['content-range'], { content: body, isCut });
    }

    const call = callOf(request, { url, body, scope, entry });
    const faults = callFaults(call);
    violations.push(...faults.map((fault) => `${entry.call}: ${fault}`));
    if (faults.length > 0) return refusal(400, 'badRequest', faults.join('; '));
    if (entry.call === 'upload.start') return uploads.start(call, request.headers);
    return answerCall(store, call);
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bound = server.address();
  const url = `http://127.0.0.1:${typeof bound === 'object' && bound !== null ? bound.port : 0}`;
  const drive: DriveServer = {
    url,
    tokenUrl: `${url}/token`,
    authUrl: `${url}/o/oauth2/v2/auth`,
    store,
    tokens,
    journal,
    violations,
    misbehave: () => undefined,
    forgetUploads: uploads.forget,
    shown: () => shownIn(store),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      if (violations.length > 0)
        throw new Error(`Google would refuse this:\n${violations.join('\n')}`);
    },
  };
  return drive;
}

const garbage: Reply = {
  status: 200,
  headers: { 'content-type': 'text/html' },
  body: '<html>Sign in to the hotel network</html>',
};
const filesPath = /^(\/upload)?\/drive\/v3\/files(?:\/([^/]+))?$/;
const methods = { GET: 'Get', POST: 'Create', PATCH: 'Update', DELETE: 'Delete' } as const;

function nameOf(request: IncomingMessage, url: URL): Omit<JournalEntry, 'n' | 'at'> {
  const about = { query: Object.fromEntries(url.searchParams), bytes: 0 };
  const [isKnown, upload, id] = filesPath.exec(url.pathname) ?? [];
  if (url.pathname === '/token') return { call: 'token', query: {}, bytes: 0 };
  if (url.pathname === '/o/oauth2/v2/auth') return { call: 'auth', ...about };
  if (isKnown === undefined) return { call: 'unknown', ...about };
  if (request.method === 'PUT') return { call: 'upload.part', ...about };
  if (upload !== undefined && url.searchParams.get('uploadType') === 'resumable') {
    return { call: 'upload.start', ...about };
  }

  const method = methodOf(request, id).toLowerCase();
  return { call: `files.${method}`, ...about, ...(id !== undefined && { id }) };
}

function methodOf(request: IncomingMessage, id: string | undefined): ApiCall['method'] {
  const method = Object.entries(methods).find(([verb]) => verb === request.method)?.[1] ?? 'Get';

  return method === 'Get' && id === undefined ? 'List' : method;
}

type Received = { url: URL; body: Buffer; scope: string; entry: JournalEntry };

/** Throws for what is not well formed. */
function callOf(request: IncomingMessage, { url, body, scope, entry }: Received): ApiCall {
  const [isKnown, upload, id] = filesPath.exec(url.pathname) ?? [];
  if (isKnown === undefined) throw new Error(`no such address: ${request.method} ${url.pathname}`);

  const type = request.headers['content-type'] ?? '';
  const isRelated = upload !== undefined && url.searchParams.get('uploadType') === 'multipart';
  if (upload !== undefined && !isRelated && entry.call !== 'upload.start') {
    throw new Error(`an upload of an unknown type: ${url.search}`);
  }
  if (type.startsWith('multipart/') !== isRelated) throw new Error(`${type} at ${url.pathname}`);
  const { metadata, ...media } = partsOf(type, body);

  return {
    method: methodOf(request, id),
    query: url.searchParams,
    metadata,
    scope,
    ...(id !== undefined && { id: decodeURIComponent(id) }),
    ...('content' in media && { media }),
  };
}

/** What a body says of the file, for the journal; nothing where it says nothing, or nothing well formed. */
function aboutBody(request: IncomingMessage, body: Buffer): Partial<JournalEntry> {
  try {
    const { metadata } = partsOf(request.headers['content-type'] ?? '', body);
    const { name, mimeType, parents, trashed } = metadata;
    return JSON.parse(JSON.stringify({ name, mimeType, parents, trashed }));
  } catch {
    return {};
  }
}

/** Throws for what is not well formed. */
function partsOf(type: string, body: Buffer) {
  if (type.startsWith('multipart/')) {
    const { metadata, ...media } = parseRelated(type, body);
    return { metadata: Metadata.parse(metadata), ...media };
  }
  return { metadata: Metadata.parse(body.length === 0 ? {} : JSON.parse(body.toString())) };
}

async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;

  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    chunks.push(Buffer.from(chunk));
    bytes += chunk.length;
    if (bytes >= limit) break;
  }
  return Buffer.concat(chunks).subarray(0, limit);
}

function send(response: ServerResponse, { status, headers = {}, body = '' }: Reply): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body);

  response.writeHead(status, { 'content-type': 'application/json; charset=UTF-8', ...headers });
  response.end(text);
}

function shownIn(store: Store): Record<string, string> {
  const files = [...store.files.values()].filter(
    (file) => file.maker === 'program' && !store.isTrashed(file),
  );

  return Object.fromEntries(
    files
      .map((file) => {
        const content = file.versions.at(-1)?.content.toString() ?? '';
        const kind = file.mimeType.replace('application/vnd.google-apps.', '');
        return [`${store.pathOf(file)} (${kind}) ${file.id}`, content] as const;
      })
      .toSorted(),
  );
}
