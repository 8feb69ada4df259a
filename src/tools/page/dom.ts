// Parses a page and reads what a visitor would see of it. Slow on hostile pages: runs in a thread of its own.
import { parseHTML } from 'linkedom';

import { foldText } from '../text.ts';

const unseen = new Set([
  'script',
  'style',
  'noscript',
  'template',
  'svg',
  'math',
  'iframe',
  'object',
  'embed',
  'canvas',
  'head',
  'title',
  'select',
  'textarea',
  'audio',
  'video',
]);

const blocks = new Set([
  'address',
  'article',
  'aside',
  'blockquote',
  'br',
  'dd',
  'div',
  'dl',
  'dt',
  'fieldset',
  'figcaption',
  'figure',
  'footer',
  'form',
  'h1',
  'h2',
  'h3',
  'h4',
  'h5',
  'h6',
  'header',
  'hr',
  'li',
  'main',
  'nav',
  'ol',
  'p',
  'pre',
  'section',
  'table',
  'td',
  'th',
  'tr',
  'ul',
  'button',
]);

const hiddenStyle =
  /display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![.\d])|opacity\s*:\s*0(?![.\d])/i;

const textNode = 3;

/** As much of a DOM node as we read; the project's types leave the browser's out on purpose. */
export type PageNode = {
  nodeType: number;
  nodeName: string;
  nodeValue: string | null;
  firstChild: PageNode | null;
  nextSibling: PageNode | null;
  parentNode: PageNode | null;
  textContent: string | null;
  /** Elements only. */
  getAttribute?: (name: string) => string | null;
};

export type PageElement = PageNode & {
  getAttribute(name: string): string | null;
  closest(selector: string): PageElement | null;
};

export type PageDocument = {
  documentElement: PageElement | null;
  querySelector(selector: string): PageElement | null;
  querySelectorAll(selector: string): Iterable<PageElement>;
};

export function parsePage(html: string): PageDocument {
  // The parser takes the first element for the root, so give it one where the page leaves it out.
  const page = /<html[\s>]/i.test(html)
    ? html
    : `<html>${html.replace(/^\s*<!doctype[^>]*>/i, '')}</html>`;

  return parseHTML(page).document;
}

/** The visible text below `root`, a line per block; scripts, styles and hidden elements left out. */
export function visibleText(root: PageNode | null): string {
  const pieces: string[] = [];
  let node = root;

  // By hand and not by recursion: pages nest deeper than the stack.
  while (node !== null) {
    if (node.nodeType === textNode) pieces.push(node.nodeValue ?? '');
    if (isBlock(node)) pieces.push('\n');

    if (node.firstChild !== null && !isUnseen(node)) {
      node = node.firstChild;
      continue;
    }
    node = nextOutside(node, root, pieces);
  }

  return foldText(pieces.join(''));
}

/** The node after `node` and all that is in it, ending the blocks that it leaves. */
function nextOutside(node: PageNode, root: PageNode | null, pieces: string[]): PageNode | null {
  let at: PageNode | null = node;
  while (at !== null && at !== root) {
    if (at.nextSibling !== null) return at.nextSibling;
    at = at.parentNode;
    if (at !== null && isBlock(at)) pieces.push('\n');
  }

  return null;
}

function isBlock(node: PageNode): boolean {
  return blocks.has(node.nodeName.toLowerCase());
}

function isUnseen(node: PageNode): boolean {
  if (unseen.has(node.nodeName.toLowerCase())) return true;

  const isHidden = (node.getAttribute?.('hidden') ?? null) !== null;
  return isHidden || hiddenStyle.test(node.getAttribute?.('style') ?? '');
}
