// Markup that cannot be broken out of: whatever is put into a template is escaped, unless it is markup itself.

/** HTML that is safe to put into a page. Only `markup` and `trusted` make it. */
export type Markup = { readonly html: string };

type Part = string | number | null | Markup | readonly Markup[];

/** A template of HTML: strings and numbers are escaped, `null` is nothing, markup goes in as it is. */
export function markup(literals: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  const html = literals.reduce((text, literal, index) => {
    const part = parts[index - 1];
    return text + (part === undefined ? '' : asHtml(part)) + literal;
  });

  return { html };
}

/** Declares HTML that comes from our own code or from a renderer that escapes. */
export function trusted(html: string): Markup {
  return { html };
}

export const nothing: Markup = { html: '' };

/** Escaped for text and for quoted attributes. */
export function escapeHtml(text: string): string {
  return text
    .toWellFormed()
    .replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
    .replace(/\r\n?/g, '\n')
    .replace(/[^\P{Cc}\t\n]/gu, '');
}

function asHtml(part: Part): string {
  if (part === null) return '';
  if (typeof part === 'string') return escapeHtml(part);
  if (typeof part === 'number') return String(part);
  if ('html' in part) return part.html;
  return part.map((one) => one.html).join('');
}
