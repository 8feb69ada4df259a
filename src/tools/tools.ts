// All tools that agents can be given.
import type { Tool } from '../core/ports.ts';
import { createAuditPage } from './audit-page.ts';
import { createFetchPage } from './fetch-page.ts';
import { createReadTable } from './read-table.ts';
import type { SafeFetch } from './safe-fetch.ts';

/** The tools by which agents learn of the world; each name is what `tools:` of an agent file lists. */
export function createTools({ safeFetch }: { safeFetch: SafeFetch }): Tool[] {
  return [createFetchPage(safeFetch), createAuditPage(safeFetch), createReadTable()];
}
