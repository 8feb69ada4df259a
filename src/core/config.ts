// Puts the configuration together from all its sources, by precedence, and reports every fault at once.
import {
  type Closest,
  type ConfigFault,
  environmentLayer,
  flagLayer,
  type Layer,
  shown,
  yamlLayer,
} from './config/layers.ts';
import { secretExamples, secretNames, Secrets } from './config/secrets.ts';
import { leaves, Settings } from './config/settings.ts';

export type { ConfigFault } from './config/layers.ts';

/** What a start or a command works with. `secrets` never go into a log, a row or a child's environment. */
export type Config = {
  settings: Settings;
  secrets: Secrets;
  /** `settings.models.provider` with `auto` decided: `openai` when a key or an address for it is there. */
  modelProvider: 'openai' | 'offline';
  /** `settings.profile` with `auto` decided: `supabase` when SUPABASE_URL is set. */
  profile: 'embedded' | 'supabase';
};

/** The sources, highest first. All are texts: reading files is the caller's. */
export type ConfigSources = {
  /** From `--set <setting>=<value>`, by setting. */
  flags: Record<string, string>;
  environment: Record<string, string | undefined>;
  /** `$NIGHTSHIFT_HOME/.env`, already parsed. */
  dotenv: Record<string, string>;
  /** `$NIGHTSHIFT_HOME/config.yaml`; null when there is none. */
  homeYaml: string | null;
  /** `config/nightshift.yaml`: every setting with its default. */
  defaultYaml: string;
};

export type ConfigResult = { ok: true; config: Config } | { ok: false; faults: ConfigFault[] };

/** Reads the configuration. Never throws; `closest` picks the known name to suggest for an unknown one. */
export function readConfig(sources: ConfigSources, closest: Closest): ConfigResult {
  const layers = layersOf(sources, closest);
  const [defaults] = layers;
  const settings = Settings.safeParse(merged(layers));
  const secrets = readSecrets(sources);
  const faults = [...layers.flatMap((layer) => layer.faults), ...secrets.faults];

  if (settings.success) faults.push(...conflicts(settings.data, secrets.values));
  // A setting without any value can only come of a fault above, or of a default that went missing.
  else if (faults.length === 0) faults.push(...settings.error.issues.map(missingDefault));
  if (faults.length > 0 || !settings.success) {
    return { ok: false, faults: faults.map((one) => withExample(one, defaults)) };
  }

  return { ok: true, config: decide(settings.data, secrets.values) };
}

/**
 * The settings that are in order, by path such as `poll.minutes`, whatever is wrong with the others: for what has to work
 * without a valid configuration. Never throws.
 */
export function readSound(sources: ConfigSources, closest: Closest): ReadonlyMap<string, unknown> {
  return new Map(layersOf(sources, closest).flatMap(({ values }) => [...values]));
}

/** Lowest first. */
function layersOf(sources: ConfigSources, closest: Closest): [Layer, ...Layer[]] {
  return [
    yamlLayer(sources.defaultYaml, 'config/nightshift.yaml', closest),
    yamlLayer(sources.homeYaml ?? '', 'config.yaml', closest),
    environmentLayer(sources.dotenv, '.env', closest),
    environmentLayer(sources.environment, 'environment', closest),
    flagLayer(sources.flags, closest),
  ];
}

/** The settings as nested objects, later layers over earlier ones. */
function merged(layers: Layer[]): Record<string, unknown> {
  const values = new Map(layers.flatMap((layer) => [...layer.values]));
  const sections = Map.groupBy(leaves, ({ section }) => section);

  return Object.fromEntries(
    [...sections].flatMap(([section, members]) => {
      const pairs = members.map(({ key, path }): [string, unknown] => [key, values.get(path)]);
      return section === null ? pairs : [[section, Object.fromEntries(pairs)]];
    }),
  );
}

function readSecrets(sources: ConfigSources): { values: Secrets; faults: ConfigFault[] } {
  const given = Object.fromEntries(
    secretNames.flatMap((name) => {
      const text = sources.environment[name]?.trim() || sources.dotenv[name]?.trim();
      return text ? [[name, text]] : [];
    }),
  );
  const result = Secrets.safeParse(given);
  if (result.success) return { values: result.data, faults: [] };

  const faults = result.error.issues.map((issue) => {
    const key = issue.path.map(String).join('.');
    const source = sources.environment[key]?.trim() ? 'environment' : '.env';
    // The one address that is no secret by itself; a password in it is hidden like the rest.
    const value = key === 'OPENAI_BASE_URL' ? shown(given[key]) : '(hidden)';
    return { key, source, value, problem: issue.message, example: null };
  });
  return { values: {}, faults };
}

/** What each value allows and their combination does not. */
function conflicts(settings: Settings, secrets: Secrets): ConfigFault[] {
  const faults: ConfigFault[] = [];
  const { base_ms: base, cap_ms: cap } = settings.retry;

  if (cap < base) {
    const problem = `is less than retry.base_ms (${base}): the longest wait cannot be below the first`;
    faults.push({
      key: 'retry.cap_ms',
      source: 'settings',
      value: `${cap}`,
      problem,
      example: null,
    });
  }
  return [...faults, ...missingSecrets(settings, secrets)];
}

/** Secrets that are of no use without another one. */
function missingSecrets(settings: Settings, secrets: Secrets): ConfigFault[] {
  const needs: [boolean, keyof Secrets, string][] = [
    [
      profileOf(settings, secrets) === 'supabase',
      'SUPABASE_URL',
      'is missing, and the Supabase profile needs it',
    ],
    [
      profileOf(settings, secrets) === 'supabase',
      'SUPABASE_SECRET_KEY',
      'is missing, and the Supabase profile needs it (or set profile: embedded)',
    ],
    [
      secrets.GOOGLE_CLIENT_ID !== undefined,
      'GOOGLE_CLIENT_SECRET',
      'is missing, and GOOGLE_CLIENT_ID needs it',
    ],
    [
      secrets.TELEGRAM_CHAT_IDS !== undefined || settings.telegram.bot,
      'TELEGRAM_BOT_TOKEN',
      'is missing, and Telegram needs it',
    ],
  ];

  return needs
    .filter(([applies, name]) => applies && secrets[name] === undefined)
    .map(([, key, problem]) => ({ key, source: 'settings', value: '', problem, example: null }));
}

function profileOf({ profile }: Settings, { SUPABASE_URL: url }: Secrets): Config['profile'] {
  const found = url === undefined ? 'embedded' : 'supabase';

  return profile === 'auto' ? found : profile;
}

function missingDefault(issue: { path: PropertyKey[] }): ConfigFault {
  const key = issue.path.map(String).join('.');
  const problem = 'has no default: restore this file as it came with Nightshift';
  return { key, source: 'config/nightshift.yaml', value: '', problem, example: null };
}

function withExample(fault: ConfigFault, defaults: Layer): ConfigFault {
  if (fault.example !== null) return fault;
  const secret = secretNames.find((name) => name === fault.key);
  if (secret !== undefined) return { ...fault, example: `${secret}=${secretExamples[secret]}` };

  const leaf = leaves.find(({ path, twin }) => [path, twin].includes(fault.key));
  const value = leaf && defaults.values.get(leaf.path);
  if (leaf === undefined || value === undefined || value === null) return fault;
  const example =
    fault.key === leaf.twin ? `${leaf.twin}=${shown(value)}` : `${leaf.path}: ${shown(value)}`;
  return { ...fault, example };
}

function decide(settings: Settings, secrets: Secrets): Config {
  const { provider } = settings.models;
  const isReachable = Boolean(secrets.OPENAI_API_KEY ?? secrets.OPENAI_BASE_URL);
  const chosen = isReachable ? 'openai' : 'offline';

  return {
    settings,
    secrets,
    modelProvider: provider === 'auto' ? chosen : provider,
    profile: profileOf(settings, secrets),
  };
}
