// Finds which kinds of structured data a page declares, in JSON-LD and in microdata.
import { oneLine } from '../text.ts';
import type { PageDocument } from './dom.ts';

export type StructuredData = { types: string[]; invalid: number };

const maxTypes = 50;
const maxNodes = 20_000;

/** Types such as `Organization`, each once, and how many JSON-LD blocks no program can read. */
export function readStructuredData(document: PageDocument): StructuredData {
  const types = new Set<string>();
  let invalid = 0;

  for (const script of document.querySelectorAll('script[type]')) {
    if (!/^application\/ld\+json/i.test((script.getAttribute('type') ?? '').trim())) continue;
    try {
      collectTypes(JSON.parse(script.textContent ?? ''), types);
    } catch {
      invalid += 1;
    }
  }
  for (const item of document.querySelectorAll('[itemtype]')) {
    for (const type of (item.getAttribute('itemtype') ?? '').split(/\s+/)) addType(type, types);
  }

  return { types: [...types].slice(0, maxTypes), invalid };
}

/** Every `@type`, however deep, by a stack of our own: what is parsed may nest without end. */
function collectTypes(json: unknown, types: Set<string>): void {
  const open: unknown[] = [json];
  for (let seen = 0; seen < maxNodes && open.length > 0; seen += 1) {
    const node = open.pop();
    if (typeof node !== 'object' || node === null) continue;

    if ('@type' in node) addTypes(node['@type'], types);
    open.push(...Object.values(node).slice(0, maxNodes).toReversed());
  }
}

function addTypes(declared: unknown, types: Set<string>): void {
  for (const type of Array.isArray(declared) ? declared : [declared]) {
    if (typeof type === 'string') addType(type, types);
  }
}

function addType(type: string, types: Set<string>): void {
  const name = type.replace(/\/+$/, '').split(/[/#]/).at(-1) ?? '';
  if (name !== '' && types.size < maxTypes) types.add(oneLine(name, 80));
}
