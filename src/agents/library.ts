// The agents of a folder, read anew when one is used, so that an edit takes effect without a restart.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { AgentDefinition } from '../core/agent.ts';
import { appError, messageOf } from '../core/errors.ts';
import type { AgentLibrary, Log } from '../core/ports.ts';
import { readAgent } from './front-matter.ts';

/** The last good definition of a file, and its latest text. */
type Shelf = Map<string, { text: string; definition: AgentDefinition }>;

/**
 * Reads `<folder>/*.md`. Throws `agent_definition_invalid` with every fault of every file.
 *
 * Afterwards `get` and `list` look at the files again: a changed file counts at once, a broken change keeps the
 * last good definition and is logged once, and a removed file leaves the list while `get` still answers, since
 * runs that are already queued need it.
 */
export function loadAgents(folder: string, log: Log): AgentLibrary {
  const shelf: Shelf = new Map();
  const faults = agentFiles(folder).flatMap((file) => shelve(shelf, folder, file));
  if (faults.length === 0 && shelf.size === 0) faults.push(`no agent file (*.md) in ${folder}`);
  if (faults.length > 0) {
    throw appError('agent_definition_invalid', { detail: faults.join('\n'), faults });
  }

  const warned = new Map<string, string>();
  const refresh = (file: string) => {
    const [fault] = shelve(shelf, folder, file);
    if (fault !== undefined && warned.get(file) !== fault) {
      log.warn('agent file not taken over, its last good version stays', { file, fault });
    }
    if (fault === undefined) warned.delete(file);
    else warned.set(file, fault);

    return shelf.get(file)?.definition;
  };

  return {
    // Only names of the shelf or the folder reach the file system: a name from outside is no path.
    get: (name) => (isListed(shelf, folder, name) ? refresh(`${name}.md`) : undefined),
    list: () => agentFiles(folder).flatMap((file) => refresh(file) ?? []),
  };
}

function isListed(shelf: Shelf, folder: string, name: string): boolean {
  return shelf.has(`${name}.md`) || agentFiles(folder).includes(`${name}.md`);
}

function agentFiles(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((file) => file.endsWith('.md') && !file.startsWith('.'))
      .toSorted();
  } catch (error) {
    throw appError('agent_definition_invalid', {
      detail: `the folder ${folder} cannot be read: ${messageOf(error)}`,
    });
  }
}

// Takes a file's definition onto the shelf when it is new and sound; answers with its faults when it is not.
function shelve(shelf: Shelf, folder: string, file: string): string[] {
  const text = readText(folder, file);
  if (text === null) return [`${file}: cannot be read`];
  if (shelf.get(file)?.text === text) return [];

  const read = readAgent(file, text);
  if (read.type === 'faulty') return read.faults;
  shelf.set(file, { text, definition: read.definition });

  return [];
}

function readText(folder: string, file: string): string | null {
  try {
    return readFileSync(join(folder, file), 'utf8');
  } catch {
    return null;
  }
}
