// Cuts JSON down to a size while keeping its shape, so that a large tool result can still be read by code.

const cutMark = '… (cut)';

// From mild to harsh: the first pair under which the value fits is taken.
const rounds = [
  { text: 8_000, items: 500 },
  { text: 3_000, items: 200 },
  { text: 1_000, items: 100 },
  { text: 400, items: 40 },
  { text: 200, items: 15 },
  { text: 100, items: 5 },
] as const;

type Caps = { text: number; items: number };

/** The value itself when its JSON is within `maxChars`, else a copy with long texts and lists cut short. */
export function fitJson(
  value: Record<string, unknown>,
  maxChars: number,
): { value: Record<string, unknown>; cut: boolean } {
  const json = JSON.stringify(value);
  if (json.length <= maxChars) return { value, cut: false };

  for (const caps of rounds) {
    const shorter = shortenFields(value, caps);
    if (JSON.stringify(shorter).length <= maxChars) return { value: shorter, cut: true };
  }

  return { value: { beginning: json.slice(0, Math.floor(maxChars / 2)) + cutMark }, cut: true };
}

function shorten(value: unknown, caps: Caps): unknown {
  if (typeof value === 'string') {
    return value.length > caps.text ? value.slice(0, caps.text) + cutMark : value;
  }
  if (Array.isArray(value)) return value.slice(0, caps.items).map((item) => shorten(item, caps));
  if (typeof value === 'object' && value !== null) return shortenFields(value, caps);

  return value;
}

function shortenFields(value: object, caps: Caps): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value).map(([key, field]) => [key, shorten(field, caps)]),
  );
}
