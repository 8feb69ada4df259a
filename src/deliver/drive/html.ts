// Documents as the HTML that Google turns into its own: headings, lists and tables survive, raw HTML stays text.
import { renderMarkdown } from '../page/markdown.ts';
import { type Markup, markup, trusted } from '../page/markup.ts';

// The import understands simple rules, and draws tables without any lines unless told to.
const style = trusted(
  'td,th{border:1px solid #999;padding:4pt;vertical-align:top}.number{text-align:right}pre,code{font-family:monospace}.missing{font-style:italic}',
);

export function htmlDocument(title: string, body: Markup): string {
  return markup`<!doctype html>
<html><head><meta charset="utf-8"><title>${title}</title><style>${style}</style></head>
<body>
${body}
</body></html>
`.html;
}

/** A Markdown text as HTML; one that the parser cannot take, or would take too long for, as plain text. */
export function markdownDocument(text: string, title: string): string {
  return htmlDocument(title, rendered(text) ?? markup`<pre>${text}</pre>`);
}

function rendered(text: string): Markup | null {
  try {
    // No remote pictures: Google would fetch them, and so tell their owner that the results are there.
    return renderMarkdown(text, { topLevel: 1, title: '', picture: () => null });
  } catch {
    return null;
  }
}
