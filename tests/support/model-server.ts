// Model servers for tests, over real HTTP: a well-behaved one that we did not write, and a raw one that may misbehave.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

import { type ChatCompletionRequest, type FixtureResponse, LLMock } from '@copilotkit/aimock';

type Answer = FixtureResponse | ((request: ChatCompletionRequest) => FixtureResponse);

export type ModelServer = AsyncDisposable & {
  /** The base URL for an OpenAI client. */
  url: string;
  mock: LLMock;
  /** The bodies of all requests so far, in order. */
  requests(): ChatCompletionRequest[];
};

/** Starts aimock and has it give these answers, one for each request, in order; further requests get a 503. */
export async function startModelServer(...answers: Answer[]): Promise<ModelServer> {
  const mock = new LLMock({ host: '127.0.0.1', port: 0, strict: true });
  let next = 0;
  mock.on({ endpoint: 'chat' }, (request) => {
    const answer = answers[next] ?? { error: { message: 'no more answers' }, status: 503 };
    next += 1;

    return typeof answer === 'function' ? answer(request) : answer;
  });
  await mock.start();

  return {
    url: `${mock.url}/v1`,
    mock,
    requests: () =>
      mock
        .getRequests()
        .map((entry) => entry.body)
        .filter(isChatRequest),
    [Symbol.asyncDispose]: () => mock.stop(),
  };
}

function isChatRequest(body: unknown): body is ChatCompletionRequest {
  return typeof body === 'object' && body !== null && 'messages' in body;
}

export type RawServer = AsyncDisposable & {
  url: string;
  /** The parsed bodies of all requests so far. */
  requests(): Record<string, unknown>[];
};

type Behaviour = (response: ServerResponse, count: number, request: IncomingMessage) => void;

/** Starts a server that does with each request what it is told: `count` is 1 for the first. */
export async function startRawServer(behave: Behaviour): Promise<RawServer> {
  const bodies: Record<string, unknown>[] = [];
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      bodies.push(JSON.parse(Buffer.concat(pieces).toString() || '{}'));
      behave(response, bodies.length, request);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');

  return {
    url: `http://127.0.0.1:${address.port}/v1`,
    requests: () => bodies,
    async [Symbol.asyncDispose]() {
      // Hung answers would keep the server open for ever.
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Begins a stream and writes events into it: objects as JSON, texts as they are. */
export function writeEvents(response: ServerResponse, events: (object | string)[]): void {
  if (!response.headersSent) response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const event of events) {
    response.write(`data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`);
  }
}

/** A whole reply of text as one stream, its usage included. */
export function writeReply(response: ServerResponse, text: string, model = 'raw-model'): void {
  writeEvents(response, [
    { model, choices: [{ index: 0, delta: { role: 'assistant', content: text } }] },
    { model, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
    { model, choices: [], usage: { prompt_tokens: 100, completion_tokens: 20 } },
    '[DONE]',
  ]);
  response.end();
}
