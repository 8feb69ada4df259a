// Asks a web service something small for the doctor, over plain HTTP.
import { messageOf } from '../../core/errors.ts';

export type Answer =
  | { type: 'answered'; status: number; body: unknown; date: number | null; tookMs: number }
  /** No connection, or something that is not HTTP. */
  | { type: 'silent'; reason: string };

export type Question = {
  url: string;
  method?: 'GET' | 'POST';
  headers?: Record<string, string>;
  body?: string;
  signal: AbortSignal;
};

const maxBodyLength = 2_000_000;

/** Never rejects. What is no JSON has the body null. Follows no redirect: it would carry our key elsewhere. */
export async function ask(fetch: typeof globalThis.fetch, question: Question): Promise<Answer> {
  const { url, method = 'GET', headers = {}, body = null, signal } = question;
  const before = performance.now();

  try {
    const response = await fetch(url, { method, headers, body, signal, redirect: 'manual' });
    const text = await response.text();
    const date = Date.parse(response.headers.get('date') ?? '');

    return {
      type: 'answered',
      status: response.status,
      body: parsed(text.slice(0, maxBodyLength)),
      date: Number.isNaN(date) ? null : date,
      tookMs: Math.round(performance.now() - before),
    };
  } catch (error) {
    return { type: 'silent', reason: reasonOf(error) };
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

// fetch says `fetch failed` for everything, and hides the reason one level below.
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;

  return typeof code === 'string' ? code : messageOf(cause ?? error);
}

/** The address of a path below a root, whether or not the root ends in a slash. */
export function below(root: string, path: string): string {
  return `${root.replace(/\/+$/, '')}/${path}`;
}
