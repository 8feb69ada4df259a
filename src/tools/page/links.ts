// Counts the links of a page, and finds those that are written wrongly.
import { oneLine } from '../text.ts';
import type { PageDocument } from './dom.ts';

export type Links = { internal: number; external: number; broken_format: string[] };

const maxListed = 50;
const leftOver =
  /\{\{|\}\}|<%|%>|\$\{|^\[.*\]$|^#?(undefined|null|todo|tbd)$|^\/?(undefined|null)\/?$/i;
const misspelt = /^(?!https?:)h?t+p+s*:|^https?:(?!\/\/[^/])/i;

/** Links by where they lead from `base`; anchors, mail and phone links are in neither count. */
export function readLinks(document: PageDocument, base: URL): Links {
  const links: Links = { internal: 0, external: 0, broken_format: [] };
  const broken = new Set<string>();

  for (const anchor of document.querySelectorAll('a[href], area[href]')) {
    const href = (anchor.getAttribute('href') ?? '').trim();
    const target = isBroken(href) ? null : URL.parse(href, base.href);

    if (target === null) broken.add(oneLine(href, 200));
    else if (!href.startsWith('#') && /^https?:$/.test(target.protocol)) {
      links[siteOf(target) === siteOf(base) ? 'internal' : 'external'] += 1;
    }
  }
  links.broken_format = [...broken].slice(0, maxListed);

  return links;
}

/** The host without a leading `www.`: both are the same site to a visitor. */
export function siteOf(url: URL): string {
  return url.hostname.replace(/^www\./, '');
}

function isBroken(href: string): boolean {
  if (href === '' || /\s/.test(href) || leftOver.test(href) || misspelt.test(href)) return true;
  if (/^javascript:/i.test(href) || /^www\./i.test(href)) return true;
  if (/^mailto:/i.test(href))
    return !/^mailto:[^@]+@[^@]+/i.test(href) && !/^mailto:\?/i.test(href);

  return /^tel:/i.test(href) && !/\d/.test(href);
}
