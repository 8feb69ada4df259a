// Google's `fields` parameter: which parts of a reply are wanted.

type Mask = Map<string, Mask>;

/** Throws a plain Error for a mask that is not well formed. */
export function parseFields(text: string): Mask {
  let at = 0;
  const list = (): Mask => {
    const mask: Mask = new Map();
    do {
      const name = /^\w+/.exec(text.slice(at))?.[0];
      if (name === undefined) throw new Error(`fields: a name is missing at ${at} of ${text}`);
      at += name.length;
      mask.set(name, below());
    } while (text[at] === ',' && (at += 1));
    return mask;
  };
  const below = (): Mask => {
    if (text[at] === '/') {
      at += 1;
      return list();
    }
    if (text[at] !== '(') return new Map();
    at += 1;
    const inner = list();
    if (text[at] !== ')') throw new Error(`fields: ) is missing at ${at} of ${text}`);
    at += 1;
    return inner;
  };

  const mask = list();
  if (at !== text.length) throw new Error(`fields: more than expected at ${at} of ${text}`);
  return mask;
}

/** Only what the mask names. */
export function pick(value: unknown, mask: Mask): unknown {
  if (mask.size === 0 || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((one) => pick(one, mask));

  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) => {
      const below = mask.get(key);
      return below === undefined ? [] : [[key, pick(inner, below)]];
    }),
  );
}
