// What Drive holds of one task, as far as we know: what it lists, and what it has confirmed to us since.
import { binItem, createItem, listTask, type Place, updateItem, type Wanted } from './calls.ts';
import type { Item, Media } from './item.ts';
import type { Session } from './session.ts';
import { type Stock, takeStock } from './stock.ts';

export type Shelf = {
  /** Looks at Drive anew, and bins what we have made twice. */
  look(): Promise<Stock>;
  create(
    wanted: Pick<Wanted, 'mark' | 'name' | 'mimeType' | 'parent'>,
    media?: Media,
  ): Promise<void>;
  update(item: Item, media: Media): Promise<void>;
};

export function createShelf(
  session: Session,
  { taskId, place }: { taskId: string; place: Place },
): Shelf {
  // Lists of Drive may lag behind its own replies.
  const confirmed = new Map<string, Item>();
  const binned = new Set<string>();

  return {
    async look() {
      const listed = await listTask(session, taskId, place);
      const items = new Map(listed.map((item) => [item.id, item]));
      for (const [id, item] of confirmed) items.set(id, item);

      const stock = takeStock([...items.values()], binned);
      for (const twin of stock.twins) {
        await bin(session, twin);
        binned.add(twin.id);
      }
      return stock;
    },
    async create(wanted, media) {
      const item = await createItem(session, { ...wanted, taskId, place }, media);
      confirmed.set(item.id, item);
    },
    async update({ id }, media) {
      confirmed.set(id, await updateItem(session, id, media));
    },
  };
}

async function bin(session: Session, { id, name }: Item): Promise<void> {
  const { log, signal } = session.patience;

  try {
    await binItem(session, id);
    log.info('a twin was put into the bin of Drive', { name, id });
  } catch {
    signal.throwIfAborted();
    // Some roles may add but not remove. The results are whole all the same.
    log.warn('a twin in Drive could not be removed: put it into the bin by hand', { name, id });
  }
}
