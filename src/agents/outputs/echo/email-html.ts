// Writes one e-mail as an HTML page that mail clients can show; every text is escaped.
import type { DeliverableFile } from '../../../core/run.ts';
import { byRulesLine } from '../files.ts';
import { escapeHtml } from '../html.ts';
import type { FileContext } from '../kind.ts';
import type { EchoData } from './schema.ts';

type Email = EchoData['emails'][number];

export function emailFile(
  email: Email,
  { number, about }: { number: number; about: FileContext },
): DeliverableFile {
  const locale = about.brief.client?.locale ?? 'en';
  const note = about.byRules ? `<!-- ${byRulesLine} -->\n` : '';
  const content = `<!doctype html>
${note}<html lang="${escapeHtml(locale)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeHtml(email.subject)}</title>
</head>
<body style="margin:0;padding:24px;font-family:Arial,sans-serif;font-size:16px;line-height:1.5;color:#222222">
<div style="display:none">${escapeHtml(email.preheader)}</div>
<div style="max-width:600px;margin:0 auto">
${paragraphs(email.body_md)}
${button(email)}
</div>
</body>
</html>
`;
  const title = `E-mail ${number}: ${email.subject}`;
  return { name: `email-${number}.html`, kind: 'html', mediaType: 'text/html', title, content };
}

function paragraphs(text: string): string {
  return text
    .split(/\n{2,}/)
    .map((part) => `<p>${escapeHtml(part.trim()).replaceAll('\n', '<br>')}</p>`)
    .join('\n');
}

function button({ cta }: Email): string {
  const label = escapeHtml(cta.label);
  if (cta.url === null) return `<p><strong>${label}</strong></p>`;

  return `<p><a href="${escapeHtml(cta.url)}">${label}</a></p>`;
}
