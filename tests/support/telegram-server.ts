// A Bot API on 127.0.0.1 for tests: strict about what it takes, with a journal, and it misbehaves when told to.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

import { z } from 'zod';

import { createInbox, type Inbox } from './telegram-inbox.ts';
import { parametersOf, refusalOf, SentMessage } from './telegram-rules.ts';

/** `cut` ends the connection before the effect, `lost` after it; `held` has the effect and answers when told. */
export type Fault =
  | { type: 'cut' | 'lost' | 'hang' | 'garbage' }
  | { type: 'held'; until: Promise<void> }
  | { type: 'error'; code: number; description: string; parameters?: Record<string, unknown> };

export type Message = SentMessage & {
  message_id: number;
  /** The attached file, if there is one. */
  file?: { name: string; text: string };
};
type Params = Record<string, unknown>;
/** `at` is in milliseconds since this process began: servers side by side can be compared. */
export type JournalEntry = { method: string; params: Params; at: number };
type Reply = { code: number; body: Record<string, unknown> };
type State = {
  token: string;
  messages: Message[];
  journal: JournalEntry[];
  faults: { method: string; fault: Fault }[];
  closed: Map<string, Reply>;
  inbox: Inbox;
};

export type TelegramServer = AsyncDisposable & {
  /** For `apiRoot`. */
  url: string;
  token: string;
  /** What arrived in chats, in order. */
  messages: readonly Message[];
  /** Every request with the right token, in order, whatever became of it. */
  journal: readonly JournalEntry[];
  inbox: Inbox;
  /** Makes the next call of a method fail; may be called repeatedly. */
  fail(method: string, fault: Fault): void;
  /** Refuses everything to a chat from now on. */
  close(chatId: string, refusal: 'blocked' | 'unknown' | { movedTo: string }): void;
  count(method: string): number;
};

/** A token as they are, and nobody's. */
export const plantedToken = '7000000001:PLANTED-not_a_real-token-0123456789';

export async function startTelegramServer(token = plantedToken): Promise<TelegramServer> {
  const state: State = {
    token,
    messages: [],
    journal: [],
    faults: [],
    closed: new Map(),
    inbox: createInbox(),
  };
  const server = createServer((request, response) => {
    serve(state, request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');

  return {
    url: `http://127.0.0.1:${address.port}`,
    token,
    messages: state.messages,
    journal: state.journal,
    inbox: state.inbox,
    fail: (method, fault) => void state.faults.push({ method, fault }),
    close: (chatId, refusal) => void state.closed.set(chatId, refusalReply(refusal)),
    count: (method) => state.journal.filter((entry) => entry.method === method).length,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function serve(
  state: State,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [, token = '', method = ''] = /^\/bot([^/]+)\/(\w+)$/.exec(request.url ?? '') ?? [];
  const params = await paramsOf(request);
  if (decodeURIComponent(token) !== state.token) return send(response, refuse(401, 'Unauthorized'));

  state.journal.push({ method, params, at: performance.now() });
  const at = state.faults.findIndex((planned) => planned.method === method);
  const fault = at < 0 ? undefined : state.faults.splice(at, 1)[0]?.fault;

  switch (fault?.type) {
    case 'hang':
      return;
    case 'cut':
      return void response.destroy();
    case 'garbage':
      response.writeHead(502, { 'content-type': 'text/html' });
      return void response.end('<html>502 Bad Gateway</html>');
    case 'error': {
      const { code, description, parameters } = fault;
      return send(response, refuse(code, description, parameters));
    }
    case 'lost':
      await replyTo(state, { method, params, response });
      return void response.destroy();
    case 'held': {
      const reply = await replyTo(state, { method, params, response });
      await fault.until;
      return send(response, reply);
    }
    case undefined:
      return send(response, await replyTo(state, { method, params, response }));
  }
}

type Call = { method: string; params: Params; response: ServerResponse };

async function replyTo(state: State, { method, params, response }: Call): Promise<Reply> {
  const known = parametersOf(method);
  const unknown = Object.keys(params).find((name) => known?.includes(name) === false);
  if (known === undefined) return refuse(404, 'Not Found: method not found');
  if (unknown !== undefined) return refuse(400, `Bad Request: unknown parameter ${unknown}`);

  switch (method) {
    case 'getMe':
      return ok({ id: 7_000_000_001, is_bot: true, first_name: 'Night', username: 'night_bot' });
    case 'sendMessage':
    case 'sendDocument':
      return sendTo(state, params);
    case 'answerCallbackQuery':
      return ok(true);
    case 'getUpdates':
      return await updatesFor(state.inbox, params, response);
    default:
      return refuse(404, `Not Found: ${method} is not served here`);
  }
}

function sendTo(state: State, params: Params): Reply {
  const parsed = SentMessage.safeParse(params);
  if (!parsed.success) return refuse(400, `Bad Request: ${z.prettifyError(parsed.error)}`);
  const message = parsed.data;
  const refused = state.closed.get(message.chat_id);
  const description = refusalOf(message);
  if (refused !== undefined) return refused;
  if (description !== null) return refuse(400, description);

  const file = z
    .object({ name: z.string(), text: z.string() })
    .optional()
    .parse(params['document']);
  const messageId = 1_000 + state.messages.length;
  state.messages.push({ ...message, message_id: messageId, ...(file && { file }) });

  const chat = { id: Number(message.chat_id) || -1, type: 'private', first_name: 'Reader' };
  return ok({ message_id: messageId, date: 1_800_000_000, chat, text: message.text });
}

const Polled = z.object({
  offset: z.int().default(0),
  timeout: z.int().min(0).max(50).default(0),
  limit: z.int().min(1).max(100).default(100),
});

async function updatesFor(inbox: Inbox, params: Params, response: ServerResponse): Promise<Reply> {
  const parsed = Polled.safeParse(params);
  if (!parsed.success) return refuse(400, `Bad Request: ${z.prettifyError(parsed.error)}`);

  const gone = new AbortController();
  response.on('close', () => gone.abort());
  const polled = await inbox.poll(parsed.data, gone.signal);

  return typeof polled === 'string' ? refuse(409, polled) : ok(polled);
}

function refusalReply(refusal: 'blocked' | 'unknown' | { movedTo: string }): Reply {
  switch (refusal) {
    case 'blocked':
      return refuse(403, 'Forbidden: bot was blocked by the user');
    case 'unknown':
      return refuse(400, 'Bad Request: chat not found');
    default:
      return refuse(400, 'Bad Request: group chat was upgraded to a supergroup chat', {
        migrate_to_chat_id: Number(refusal.movedTo),
      });
  }
}

function ok(result: unknown): Reply {
  return { code: 200, body: { ok: true, result } };
}

function refuse(code: number, description: string, parameters?: Params): Reply {
  return { code, body: { ok: false, error_code: code, description, parameters } };
}

function send(response: ServerResponse, { code, body }: Reply): void {
  response.writeHead(code, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

async function paramsOf(request: IncomingMessage): Promise<Params> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece);
  const body = Buffer.concat(pieces);
  const type = request.headers['content-type'] ?? '';
  if (!type.startsWith('multipart/')) return JSON.parse(body.toString() || '{}');

  const form = await new Response(body, { headers: { 'content-type': type } }).formData();
  const files = new Map<string, { name: string; text: string }>();
  for (const [name, value] of form) {
    if (typeof value !== 'string') files.set(name, { name: value.name, text: await value.text() });
  }
  const fields = [...form].flatMap(([name, value]) =>
    typeof value === 'string' ? [[name, fieldOf(value, files)] as const] : [],
  );

  return Object.fromEntries(fields);
}

// In a form everything is text: files are named by `attach://`, and objects are JSON.
function fieldOf(value: string, files: Map<string, unknown>): unknown {
  if (value.startsWith('attach://')) return files.get(value.slice('attach://'.length));

  return value.startsWith('{') || value.startsWith('[') ? JSON.parse(value) : value;
}
