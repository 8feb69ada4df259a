// Makes file and folder names that are safe on Linux, macOS and Windows out of names that come from outside.

/** Room for suffixes below the 255 bytes that file systems allow. */
const maxNameBytes = 180;
const maxExtensionLength = 16;

// Controls, invisible formatting (bidi overrides make `exe` look like `pdf`) and line separators.
const invisible = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cn}\u{FFFD}]/gu;
const separators = /[/\\:*?"<>|]/g;
const reservedOnWindows = /^(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])\s*(\.|$)/i;

/**
 * One path segment that can never leave its folder: NFC, no separators, controls, leading dots or trailing dots,
 * no name that Windows reserves, at most `maxBytes` in UTF-8 with the extension kept. Idempotent.
 */
export function safeName(text: string, fallback: string, maxBytes: number = maxNameBytes): string {
  const visible = text
    .toWellFormed()
    .replace(invisible, '')
    .replace(separators, '-')
    .normalize('NFC')
    .replace(/^[\s.-]+|[\s.]+$/g, '');
  if (visible === '') return fallback;

  return fit(reservedOnWindows.test(visible) ? `_${visible}` : visible, '', maxBytes);
}

/** `name`, or `name-2`, `name-3` … where a file system that ignores case or form would mix it up with a taken one. */
export function uniqueName(name: string, taken: Set<string>): string {
  let unique = name;

  for (let count = 2; taken.has(sameNameKey(unique)); count += 1) {
    unique = fit(name, `-${count}`, maxNameBytes);
  }
  taken.add(sameNameKey(unique));
  return unique;
}

/** Equal for names that macOS or Windows may take for one. Upper then lower case folds `ß` and `ſ` as well. */
export function sameNameKey(name: string): string {
  return name.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFC');
}

/** Compares by code units: the same order on every machine, whatever its locale. */
export function byCodeUnits(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

function fit(name: string, suffix: string, maxBytes: number): string {
  const { stem, extension } = split(name);
  const room = maxBytes - Buffer.byteLength(suffix + extension);

  return `${cutToBytes(stem, room).replace(/[\s.]+$/, '')}${suffix}${extension}`;
}

function split(name: string): { stem: string; extension: string } {
  const dot = name.lastIndexOf('.');
  const extension = dot > 0 ? name.slice(dot) : '';

  if (extension.length > maxExtensionLength || Buffer.byteLength(extension) > 64) {
    return { stem: name, extension: '' };
  }
  return { stem: name.slice(0, name.length - extension.length), extension };
}

function cutToBytes(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text;

  let kept = '';
  let bytes = 0;
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > maxBytes) break;
    kept += character;
  }
  return kept;
}
