// Renders an agent's Markdown into a page: raw HTML shown as text, no remote images, only harmless links.
import { Marked, type RendererObject, type Tokens } from 'marked';

import { isCostly } from './markdown-cost.ts';
import { escapeHtml, type Markup, trusted } from './markup.ts';

const linkProtocols = ['http:', 'https:', 'mailto:'];
const lowestHeading = 6;
// An `&` that the document itself used for a character reference, after escaping.
const entity = /&#38;(?=(?:#\d{1,7}|#x[\da-f]{1,6}|[a-z][a-z\d]{1,30});)/gi;

type MarkdownOptions = {
  /** The level that the document's `#` gets within the page. */
  topLevel: number;
  /** A first heading that says this is left out, since the page already says it. */
  title: string;
  /** The address of a picture that was delivered beside the document; null for any other. */
  picture(href: string): string | null;
};

/** Null for text that would take too long. Throws what the parser throws on input that it cannot take. */
export function renderMarkdown(text: string, options: MarkdownOptions): Markup | null {
  if (isCostly(text)) return null;

  const marked = new Marked({ renderer: rendererFor(options), gfm: true, async: false });
  const tokens = marked.lexer(text);
  const [first] = tokens;

  if (first?.type === 'heading' && isSame(String(first['text']), options.title)) tokens.shift();
  return trusted(marked.parser(tokens));
}

function rendererFor({ topLevel, picture }: MarkdownOptions): RendererObject {
  return {
    html: ({ text }) => escapeHtml(text),
    // The default trusts text behind a raw `<pre>` or `<script>` to be escaped already.
    text(token) {
      if ('tokens' in token && token.tokens) return this.parser.parseInline(token.tokens);
      return escapeHtml(token.text).replace(entity, '&');
    },
    heading({ tokens, depth }) {
      const level = Math.min(depth + topLevel - 1, lowestHeading);
      return `<h${level}>${this.parser.parseInline(tokens)}</h${level}>\n`;
    },
    link({ href, tokens }) {
      const text = this.parser.parseInline(tokens);
      const url = URL.parse(href);
      if (url === null || !linkProtocols.includes(url.protocol)) return text;
      return `<a href="${escapeHtml(url.href)}" rel="noopener noreferrer">${text}</a>`;
    },
    image({ href, text }) {
      const address = picture(href);
      if (address === null)
        return `<span class="missing">Picture: ${escapeHtml(text || href)}</span>`;
      return `<img src="${escapeHtml(address)}" alt="${escapeHtml(text)}">`;
    },
    checkbox: ({ checked }) => (checked ? '☑ ' : '☐ '),
    code: ({ text }) => `<pre tabindex="0"><code>${escapeHtml(text)}</code></pre>\n`,
    table(token) {
      const head = `<tr>${token.header.map((cell) => cellOf(cell, this)).join('')}</tr>`;
      const rows = token.rows.map(
        (row) => `<tr>${row.map((cell) => cellOf(cell, this)).join('')}</tr>`,
      );
      return `<div class="scroll" role="region" aria-label="Table" tabindex="0"><table><thead>${head}</thead><tbody>${rows.join('')}</tbody></table></div>\n`;
    },
  };
}

type Inline = { parser: { parseInline(tokens: Tokens.TableCell['tokens']): string } };

function cellOf(cell: Tokens.TableCell, { parser }: Inline): string {
  const content = parser.parseInline(cell.tokens);
  const align = cell.align === 'right' ? ' class="number"' : '';

  return cell.header ? `<th scope="col"${align}>${content}</th>` : `<td${align}>${content}</td>`;
}

function isSame(left: string, right: string): boolean {
  return left.trim().toLowerCase() === right.trim().toLowerCase();
}
