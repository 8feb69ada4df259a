// Tells whether a piece of evidence names something that a tool, or an agent upstream, really reached.
import type { Evidence } from '../../core/output.ts';
import type { OutputFacts, ToolFinding } from './kind.ts';

type KnownSources = { has(item: Evidence): boolean };

/** The pages, files and calls behind this output: its own findings that succeeded and the handoff's evidence. */
export function knownSources(facts: OutputFacts): KnownSources {
  const reached = facts.findings.filter(hasSucceeded);
  const upstream = Object.values(facts.handoff).flatMap((output) => output.evidence);
  const urls = new Set([
    ...reached.flatMap((finding) => fieldsOf(finding, ['url', 'final_url'])).map(sameAddress),
    ...upstream.filter(({ kind }) => kind === 'page').map(({ url }) => sameAddress(url ?? '')),
  ]);
  const files = new Set([
    ...reached.flatMap((finding) => fieldsOf(finding, ['file', 'name'])),
    ...upstream.filter(({ kind }) => kind === 'upload').map(({ file }) => file ?? ''),
  ]);
  const calls = new Set(reached.map(({ callId }) => callId));

  return {
    has({ kind, url, file, tool_call_id: call }) {
      if (kind === 'page') return url !== undefined && urls.has(sameAddress(url));
      if (kind === 'upload') return file !== undefined && files.has(file);
      if (kind === 'api') return call !== undefined && calls.has(call);
      return true;
    },
  };
}

/** True when the call answered and, for a page, the page did too (status below 400). */
export function hasSucceeded({ value }: ToolFinding): boolean {
  if (value === null) return false;
  return typeof value['status'] !== 'number' || value['status'] < 400;
}

function fieldsOf({ input, value }: ToolFinding, names: string[]): string[] {
  return names
    .flatMap((name) => [input[name], value?.[name]])
    .filter((field) => typeof field === 'string');
}

/** An address without what makes no difference: fragment, trailing slash, case of the host. */
export function sameAddress(address: string): string {
  const url = URL.parse(address);
  if (url === null) return address.trim();

  return `${url.protocol}//${url.host}${url.pathname.replace(/\/+$/, '')}${url.search}`;
}
