// What Google's own type definitions allow: the names of parameters and fields, read from the installed package.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

type Member = { type: string; isOutputOnly: boolean };

const definitions = readFileSync(
  createRequire(import.meta.url).resolve('googleapis/build/src/apis/drive/v3.d.ts'),
  'utf8',
);
const member = /^ {8}'?([\w$.]+)'?\??: (.*?)(?: \| null)?;?$/;

function membersOf(name: string): Map<string, Member> {
  const start = definitions.indexOf(`interface ${name} `);
  if (start === -1) throw new Error(`Google's definitions have no ${name}`);
  const members = new Map<string, Member>();
  let comment = '';

  for (const line of definitions.slice(start, definitions.indexOf('\n    }', start)).split('\n')) {
    if (/^ {8}(\/\*\*| \*)/.test(line)) comment += line;
    const [, key, type] = member.exec(line) ?? [];
    if (key === undefined || type === undefined) continue;
    members.set(key, { type, isOutputOnly: /\* Output only/.test(comment) });
    comment = '';
  }
  return members;
}

const standard = membersOf('StandardParameters');
const notInQuery = ['auth', 'fileId', 'requestBody', 'media'];

export const fileFields = membersOf('Schema$File');
export const listFields = membersOf('Schema$FileList');

/** What is wrong with a call's query; `method` as Google names it, such as `Create`. */
export function queryFaults(method: string, query: URLSearchParams): string[] {
  const known = new Map([...standard, ...membersOf(`Params$Resource$Files$${method}`)]);

  return [...query].flatMap(([key, value]) => {
    const type = notInQuery.includes(key) ? undefined : known.get(key)?.type;
    if (type === undefined) return [`unknown parameter ${key} of files.${method}`];
    if (type === 'boolean' && !/^(true|false)$/.test(value)) return [`${key} must be a boolean`];
    if (type === 'number' && !/^\d+$/.test(value)) return [`${key} must be a number`];
    return query.getAll(key).length > 1 ? [`${key} is there twice`] : [];
  });
}

/** What is wrong with a file's metadata as a client sends it. */
export function bodyFaults(body: Record<string, unknown>): string[] {
  return Object.entries(body).flatMap(([key, value]) => {
    const field = fileFields.get(key);
    if (field === undefined) return [`unknown field ${key}`];
    if (field.isOutputOnly) return [`${key} is for output only`];
    if (/^(string|boolean|number)$/.test(field.type) && typeof value !== field.type) {
      return [`${key} must be a ${field.type}`];
    }
    return key === 'appProperties' ? propertyFaults(value) : [];
  });
}

function propertyFaults(value: unknown): string[] {
  const pairs = Object.entries(value ?? {});
  const long = pairs.filter(([key, text]) => Buffer.byteLength(`${key}${String(text)}`) > 124);

  if (pairs.length > 30) return ['more than 30 appProperties'];
  return [
    ...long.map(([key]) => `appProperties.${key} is longer than 124 bytes`),
    ...pairs
      .filter(([, text]) => typeof text !== 'string')
      .map(([key]) => `${key} must be a string`),
  ];
}
