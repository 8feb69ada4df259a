// Takes stock of what Drive holds of a task: one item for each mark, and what is there twice.
import { byCodeUnits } from '../folder/names.ts';
import { identityOf, type Item, keyOf, type Mark } from './item.ts';

export type Stock = {
  find(mark: Mark): Item | undefined;
  /** Younger twins of what is kept, ours to throw away. What lies in such a folder goes with it, and is not named. */
  twins: Item[];
};

/**
 * Keeps the oldest of each mark, so that any number of workers agree. Levels go from the top: what lies in a twin
 * of a folder, or in one of `binned` (ids), does not count.
 */
export function takeStock(items: readonly Item[], binned: Iterable<string> = []): Stock {
  const kept = new Map<string, Item>();
  const twins: Item[] = [];
  const lost = new Set(binned);

  for (const type of ['task', 'agent', 'file'] as const) {
    for (const item of items.toSorted(byAge)) {
      const identity = identityOf(item);
      if (identity?.type !== type || lost.has(item.id)) continue;

      const isInTwin = item.parents.some((parent) => lost.has(parent));
      const isKept = !isInTwin && !kept.has(identity.key);
      if (isKept) kept.set(identity.key, item);
      else lost.add(item.id);
      if (!isKept && !isInTwin) twins.push(item);
    }
  }
  return { find: (mark) => kept.get(keyOf(mark)), twins };
}

function byAge(left: Item, right: Item): number {
  return (
    Date.parse(left.createdTime) - Date.parse(right.createdTime) || byCodeUnits(left.id, right.id)
  );
}
