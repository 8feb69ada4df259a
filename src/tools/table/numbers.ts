// Reads numbers as people write them: 1,234.50 and 1.234,50, with currencies, percents and accounting brackets.

/** What stands before the decimals: a point (1,234.50) or a comma (1.234,50). */
export type NumberStyle = 'point' | 'comma';

// Anything longer is an identifier: its last digits would be lost.
const maxDigits = 15;
const shapes = {
  point: /^\d+(?:\.\d+)?$|^\d{1,3}(?:[,' ]\d{3})+(?:\.\d+)?$|^\.\d+$/,
  comma: /^\d+(?:,\d+)?$|^\d{1,3}(?:[.' ]\d{3})+(?:,\d+)?$|^,\d+$/,
};
const plain = /^-?(?:0|[1-9]\d{0,14})$/;
const scientific = /^[+-]?\d(?:\.\d+)?e[+-]?\d{1,3}$/i;
const currency = '(?:[€$£¥₹]|EUR|USD|GBP|CHF|JPY)';
const dressed = new RegExp(
  `^([+-]?) ?${currency}? ?([+-]?)([\\d.,' ]*\\d) ?(?:%|${currency})?(-?)$`,
  'i',
);

/** The number that `text` is in this style, or null. Digits with a leading zero are codes, not numbers. */
export function readNumber(text: string, style: NumberStyle): number | null {
  if (isPlainNumber(text) || scientific.test(text)) return Number(text);

  const [, sign, inner, digits = '', after] = dressed.exec(undress(text)) ?? [];
  if (!shapes[style].test(digits) || /^0\d/.test(digits)) return null;
  if (digits.replace(/\D/g, '').length > maxDigits) return null;

  const grouped = style === 'point' ? /[,' ]/g : /[.' ]/g;
  const value = Number(digits.replace(grouped, '').replace(',', '.'));
  return [sign, inner, after].includes('-') ? -value : value;
}

/** True for digits that read the same in every style. */
export function isPlainNumber(text: string): boolean {
  return plain.test(text);
}

/** One kind of blank, minus and apostrophe; accounting brackets become a minus. */
function undress(text: string): string {
  if (text.length > 40) return '';

  return text
    .replace(/\s/g, ' ')
    .replace(/\u2212/g, '-')
    .replace(/’/g, "'")
    .replace(/^\((.*)\)$/, '-$1');
}
