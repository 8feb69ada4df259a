// Hides e-mail addresses and telephone numbers: what agents see of a table holds nobody's contact.
import { oneLine } from '../text.ts';

const email = /[^\s@<>"',;:()]+@[^\s@<>"',;:()]+\.[^\s@<>"',;:()]{2,}/g;
// A plus, a leading zero, a bracket or the American grouping, then digits in groups: dates and amounts have none.
const phone =
  /(?<![\w.,/-])(?:\+\d|00\d|\(\d|0\d{2}|0\d[ /-]|\d{3}[ .-]\d{3}[ .-]\d{4})[\d\s()./-]*\d(?![\w])/g;
const phoneColumn = /phone|\btel\b|telefon|telephone|mobile|mobil|handy|\bfax\b|whatsapp/i;
const minPhoneDigits = 8;

/** True for a column whose name says that it holds telephone numbers. */
export function isPhoneColumn(name: string): boolean {
  return phoneColumn.test(name.replace(/[_-]+/g, ' '));
}

/** One line of a cell with contacts hidden; of a telephone column, every digit. */
export function maskCell(cell: string, options: { isPhone: boolean; maxLength: number }): string {
  const line = oneLine(cell, options.maxLength).replace(email, '[e-mail]');
  if (options.isPhone && /\d/.test(line)) return '[phone]';

  return line.replace(phone, (match) =>
    match.replace(/\D/g, '').length >= minPhoneDigits ? '[phone]' : match,
  );
}
