// The entry of a thread: does the one piece of work that it was started with, and answers with the result.
import { parentPort, workerData } from 'node:worker_threads';

import type { ThreadRequest, ThreadWork } from './thread.ts';

const request: ThreadRequest = workerData;

parentPort?.postMessage(await work());

/** Imports only what the work needs: starting a thread is most of its cost. */
async function work(): Promise<ThreadWork[keyof ThreadWork]['output']> {
  switch (request.type) {
    case 'read_page': {
      const { parsePage, visibleText } = await import('./page/dom.ts');
      const { readTitle } = await import('./page/facts.ts');
      const document = parsePage(request.input.html);

      return { title: readTitle(document), text: visibleText(document.documentElement) };
    }
    case 'audit_page': {
      const { measurePage } = await import('./page/facts.ts');
      const { findIssues } = await import('./audit-rules.ts');
      const facts = measurePage(request.input);

      return { facts, issues: findIssues(facts) };
    }
    case 'read_table': {
      const { profileTable } = await import('./table/profile.ts');

      return profileTable(request.input.text);
    }
  }
}
