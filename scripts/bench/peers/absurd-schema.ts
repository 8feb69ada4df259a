// absurd's tables and functions: its npm package brings none, so they are fetched from its repository, once.
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

// What follows 0.4.0 there is the schema that version 0.5.0 of the package calls.
const commit = '9b77b356963c65ff9b183fdb4044c2dff2392f6e';
const sha256 = '9ef61e4e067e3448d6bf0a7fd2abb87ae35ca49a6cae23d325524e2936c7c4a4';
const source = `https://raw.githubusercontent.com/earendil-works/absurd/${commit}/sql/absurd.sql`;
const timeoutMs = 20_000;

const kept = fileURLToPath(new URL('node_modules/.cache/absurd.sql', import.meta.url));

/** The schema as SQL; the same bytes wherever they came from. Throws where it cannot be had. */
export async function absurdSchema(): Promise<string> {
  const file = process.env['ABSURD_SQL'] ?? kept;
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text !== undefined) return checked(text, file);

  const fetched = checked(await download(), source);
  await mkdir(dirname(kept), { recursive: true });
  await writeFile(kept, fetched);

  return fetched;
}

async function download(): Promise<string> {
  const response = await fetch(source, { signal: AbortSignal.timeout(timeoutMs) });
  if (!response.ok) throw new Error(`${source} answered ${response.status}`);

  return await response.text();
}

function checked(text: string, origin: string): string {
  const sum = createHash('sha256').update(text).digest('hex');
  if (sum !== sha256) throw new Error(`${origin} is not the file of commit ${commit}`);

  return text;
}
