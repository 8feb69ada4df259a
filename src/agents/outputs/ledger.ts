// Collects the evidence of a draft and numbers it.
import type { Evidence } from '../../core/output.ts';
import { oneLine, trimTo } from './wording.ts';

export type Ledger = {
  /** Adds a piece of evidence and answers its id; the same claim from the same source is kept once. */
  add(item: Omit<Evidence, 'id'>): string;
  all(): Evidence[];
};

export function createLedger(): Ledger {
  const items = new Map<string, Evidence>();

  return {
    add(item) {
      const claim = trimTo(item.claim, 400) || 'No text';
      const key = [item.kind, item.url, item.file, oneLine(claim)].join('\n');
      const known = items.get(key);
      if (known !== undefined) return known.id;

      const id = `E${items.size + 1}`;
      items.set(key, { ...item, id, claim });
      return id;
    },
    all: () => [...items.values()],
  };
}
