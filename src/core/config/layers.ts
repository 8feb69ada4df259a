// Turns one source of settings (a YAML text, an environment, flags) into checked values, and into faults.
import { type Document, parse, parseDocument } from 'yaml';
import { z } from 'zod';

import { messageOf } from '../errors.ts';
import { leaves, sectionNames, type Leaf } from './settings.ts';

/** One thing wrong with the configuration. `value` is as written, or hidden where it could be a secret. */
export type ConfigFault = {
  key: string;
  /** Where it was written, such as `config.yaml` or `environment`. */
  source: string;
  value: string;
  problem: string;
  example: string | null;
};

/** Checked values by the path of the setting, and what was wrong with the rest. */
export type Layer = { values: Map<string, unknown>; faults: ConfigFault[] };

/** Names the known word that is most like the one given. */
export type Closest = (word: string, known: readonly string[]) => string;

const knownVariables = ['NIGHTSHIFT_HOME', ...leaves.map(({ twin }) => twin)];
const YamlMap = z.record(z.string(), z.unknown());

/** Reads a YAML text with the sections of config/nightshift.yaml. An empty text sets nothing. */
export function yamlLayer(text: string, source: string, closest: Closest): Layer {
  const layer: Layer = { values: new Map(), faults: [] };
  const document = parseDocument(text, { prettyErrors: true });
  const read = rootOf(document);
  const root = YamlMap.safeParse(read.value ?? {});

  for (const problem of read.problems) {
    layer.faults.push(fault({ key: '(file)', source }, `is not YAML: ${problem}`, ''));
  }
  if (!root.success) {
    layer.faults.push(fault({ key: '(file)', source }, 'must hold sections and keys', ''));
    return layer;
  }
  for (const [name, value] of Object.entries(root.data)) {
    if (sectionNames.includes(name)) readSection({ name, value, source, closest }, layer);
    else readValue({ path: name, value, source, closest }, layer);
  }
  return layer;
}

// Aliases that name nothing, or that stand for too much, are found only when the values are asked for.
function rootOf(document: Document.Parsed): { value?: unknown; problems: string[] } {
  if (document.errors.length > 0) return { problems: document.errors.map(messageOf) };
  try {
    return { value: document.toJS(), problems: [] };
  } catch (error) {
    return { problems: [messageOf(error)] };
  }
}

type Place = { source: string; closest: Closest; value: unknown };

function readSection(place: Place & { name: string }, layer: Layer): void {
  // A section whose keys are all commented out reads as null.
  const section = YamlMap.safeParse(place.value ?? {});

  if (!section.success) {
    const first = leaves.find(({ section: name }) => name === place.name);
    const about = { key: place.name, source: place.source };
    layer.faults.push(
      fault(about, `is a section: write keys below it, such as ${first?.key}`, place.value),
    );
    return;
  }
  for (const [key, value] of Object.entries(section.data)) {
    readValue({ ...place, path: `${place.name}.${key}`, value }, layer);
  }
}

function readValue(place: Place & { path: string }, layer: Layer): void {
  const leaf = leaves.find(({ path }) => path === place.path);

  if (leaf === undefined) {
    const known = [...leaves.map(({ path }) => path), ...sectionNames];
    const nearest = place.closest(place.path, known);
    const problem = `is not a setting: did you mean ${nearest}?`;
    layer.faults.push(fault({ key: place.path, source: place.source }, problem, place.value));
    return;
  }
  accept({ leaf, key: leaf.path, source: place.source, value: place.value }, layer);
}

/** Reads the twins `NIGHTSHIFT_*` of an environment; an empty value counts as not set. */
export function environmentLayer(
  variables: Record<string, string | undefined>,
  source: string,
  closest: Closest,
): Layer {
  const layer: Layer = { values: new Map(), faults: [] };

  for (const [key, text] of Object.entries(variables)) {
    if (!key.startsWith('NIGHTSHIFT_') || text === undefined || text.trim() === '') continue;
    const leaf = leaves.find(({ twin }) => twin === key);

    if (leaf !== undefined) accept({ leaf, key, source, value: valueOf(text, leaf) }, layer);
    else if (!knownVariables.includes(key)) {
      const problem = `is not a setting: did you mean ${closest(key, knownVariables)}?`;
      layer.faults.push(fault({ key, source }, problem, text));
    }
  }
  return layer;
}

/** Reads flags such as `poll.minutes=1`, given as pairs. */
export function flagLayer(flags: Record<string, string>, closest: Closest): Layer {
  const layer: Layer = { values: new Map(), faults: [] };

  for (const [path, text] of Object.entries(flags)) {
    const leaf = leaves.find((one) => one.path === path);
    const value = leaf === undefined ? text : valueOf(text, leaf);
    readValue({ path, value, source: '--set', closest }, layer);
  }
  return layer;
}

/** Text from outside YAML: as it is where the setting takes text, otherwise read as a YAML value. */
function valueOf(text: string, leaf: Leaf): unknown {
  if (leaf.schema.safeParse(text).success) return text;
  try {
    return parse(text);
  } catch {
    return text;
  }
}

function accept(
  given: { leaf: Leaf; key: string; source: string; value: unknown },
  layer: Layer,
): void {
  const result = given.leaf.schema.safeParse(given.value);

  if (result.success) {
    layer.values.set(given.leaf.path, result.data);
    return;
  }
  for (const issue of result.error.issues) {
    const key = [given.key, ...issue.path.map(String)].join('.');
    layer.faults.push(fault({ key, source: given.source }, issue.message, given.value));
  }
}

function fault(
  about: { key: string; source: string },
  problem: string,
  value: unknown,
): ConfigFault {
  return { ...about, value: shown(value), problem, example: null };
}

/** A value as people wrote it, cut short; what looks like a key that strayed into a setting is not repeated. */
export function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : jsonOf(value);
  if (text === undefined) return '';
  if (/\b(sk|pk|sb|ghp|xox[a-z])[-_]\w{8,}|:\/\/[^/\s]*@/.test(text)) return '(hidden)';
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

// A YAML alias may hold itself, which JSON cannot write.
function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return '(a value that holds itself)';
  }
}
