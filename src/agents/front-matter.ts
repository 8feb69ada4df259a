// Reads one agent file: YAML front matter, checked strictly, and the prompt below it.
import { createHash } from 'node:crypto';

import { closest } from 'fastest-levenshtein';
import { parse } from 'yaml';
import type { z } from 'zod';

import { type AgentDefinition, AgentFrontMatter } from '../core/agent.ts';
import { messageOf } from '../core/errors.ts';

export type ReadAgent =
  | { type: 'read'; definition: AgentDefinition }
  | { type: 'faulty'; faults: string[] };

const layout = /^---\r?\n(?<front>[\s\S]*?)\r?\n---[ \t]*(?:\r?\n(?<prompt>[\s\S]*))?$/;

const topKeys = Object.keys(AgentFrontMatter.shape);
const limitKeys = Object.keys(AgentFrontMatter.shape.limits.unwrap().shape);

/** Reads the text of `<name>.md`. Every fault begins with the file's name and is told, not only the first. */
export function readAgent(file: string, text: string): ReadAgent {
  const parts = layout.exec(text.replace(/^\uFEFF/, ''))?.groups;
  if (parts === undefined) {
    return faulty(file, ['begins with no front matter: put it between two lines of ---']);
  }

  const front = readYaml(parts.front ?? '');
  if (front.type === 'faulty') return faulty(file, front.faults);

  const parsed = AgentFrontMatter.safeParse(front.value);
  const prompt = (parts.prompt ?? '').trim();
  const faults = [
    ...(parsed.success ? [] : parsed.error.issues.flatMap(sayIssue)),
    ...(parsed.success ? nameFaults(file, parsed.data.name) : []),
    ...(prompt === '' ? ['has no prompt below its front matter'] : []),
  ];
  if (!parsed.success || faults.length > 0) return faulty(file, faults);

  return { type: 'read', definition: { ...parsed.data, prompt, hash: hashOf(text) } };
}

function readYaml(
  text: string,
): { type: 'value'; value: unknown } | (ReadAgent & { type: 'faulty' }) {
  try {
    return { type: 'value', value: parse(text) };
  } catch (error) {
    return { type: 'faulty', faults: [`is not YAML: ${messageOf(error).split('\n')[0]}`] };
  }
}

// An agent is looked up by its file, so the two names must agree; no two agents can then share one.
function nameFaults(file: string, name: string): string[] {
  return file === `${name}.md`
    ? []
    : [`key name: is ${name}, so the file must be called ${name}.md`];
}

function sayIssue(issue: z.core.$ZodIssue): string[] {
  const path = issue.path.join('.');
  if (issue.code !== 'unrecognized_keys') {
    return [`${path === '' ? 'front matter' : `key ${path}`}: ${issue.message}`];
  }

  const known = path === 'limits' ? limitKeys : topKeys;

  return issue.keys.map((key) => {
    const full = path === '' ? key : `${path}.${key}`;

    return `key ${full}: is unknown, did you mean ${closest(key, known)}?`;
  });
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function faulty(file: string, faults: string[]): ReadAgent & { type: 'faulty' } {
  return { type: 'faulty', faults: faults.map((fault) => `${file}: ${fault}`) };
}
