// The configuration: precedence, twins, and every fault at once.
import { readFileSync } from 'node:fs';

import { closest } from 'fastest-levenshtein';
import { expect, test } from 'vitest';

import {
  type Config,
  type ConfigFault,
  type ConfigSources,
  readConfig,
} from '../../src/core/config.ts';

const defaultYaml = readFileSync('config/nightshift.yaml', 'utf8');

function read(sources: Partial<ConfigSources>) {
  const none = { flags: {}, environment: {}, dotenv: {}, homeYaml: null, defaultYaml };
  return readConfig({ ...none, ...sources }, closest);
}

function configOf(sources: Partial<ConfigSources>): Config {
  const result = read(sources);
  if (!result.ok) throw new Error(JSON.stringify(result.faults, null, 2));
  return result.config;
}

function faultsOf(sources: Partial<ConfigSources>): ConfigFault[] {
  const result = read(sources);
  return result.ok ? [] : result.faults;
}

test('has a default for every setting, and needs no key', () => {
  const config = configOf({});

  expect(config.settings.poll).toEqual({ minutes: 15, wake: true });
  expect(config.settings.concurrency.runs).toBe(7);
  expect(config.modelProvider).toBe('offline');
});

test('names the twin of every setting in the default file', async () => {
  const { leaves } = await import('../../src/core/config/settings.ts');

  const missing = leaves.filter(({ twin }) => !new RegExp(` ${twin}$`, 'm').test(defaultYaml));

  expect(missing).toEqual([]);
});

test('prefers flags, then environment, then .env, then config.yaml', () => {
  const sources = {
    homeYaml: 'poll: { minutes: 1 }\nconcurrency: { runs: 1, deliveries: 1 }\nlog: { level: warn }',
    dotenv: {
      NIGHTSHIFT_POLL_MINUTES: '2',
      NIGHTSHIFT_CONCURRENCY_RUNS: '2',
      NIGHTSHIFT_CONCURRENCY_DELIVERIES: '2',
    },
    environment: { NIGHTSHIFT_POLL_MINUTES: '3', NIGHTSHIFT_CONCURRENCY_RUNS: '3' },
    flags: { 'poll.minutes': '4' },
  };

  const { settings } = configOf(sources);

  expect(settings.poll.minutes).toBe(4);
  expect(settings.concurrency).toEqual({ runs: 3, deliveries: 2 });
  expect(settings.log.level).toBe('warn');
});

test('reads each kind of value from the environment', () => {
  const environment = {
    NIGHTSHIFT_POLL_WAKE: 'false',
    NIGHTSHIFT_POLL_MINUTES: '0.25',
    NIGHTSHIFT_WORKER_NAME: '007',
    NIGHTSHIFT_OUTPUTS_FOLDER: '~/results',
    NIGHTSHIFT_MODELS_PRICES: '{"gpt-5-mini": {"input": 0.25, "output": 2}}',
  };

  const { settings } = configOf({ environment });

  expect(settings.poll).toEqual({ minutes: 0.25, wake: false });
  expect(settings.worker.name).toBe('007');
  expect(settings.outputs.folder).toBe('~/results');
  expect(settings.models.prices).toEqual({ 'gpt-5-mini': { input: 0.25, output: 2 } });
});

test('takes an empty variable as not set', () => {
  const config = configOf({ environment: { NIGHTSHIFT_POLL_MINUTES: '', OPENAI_API_KEY: ' ' } });

  expect(config.settings.poll.minutes).toBe(15);
  expect(config.modelProvider).toBe('offline');
});

test('reports the faults of all sources at once', () => {
  const faults = faultsOf({
    flags: { 'pol.minutes': '1' },
    environment: { NIGHTSHIFT_POLL_MINUTS: '1', NIGHTSHIFT_LOG_LEVEL: 'loud' },
    dotenv: { DATABASE_URL: 'mysql://me:hunter2@host/db' },
    homeYaml: 'concurrency: { runs: 0 }\nqueue: 5\ncolour: red',
  });

  expect(faults.map(({ source, key }) => `${source} ${key}`)).toEqual([
    'config.yaml concurrency.runs',
    'config.yaml queue',
    'config.yaml colour',
    'environment NIGHTSHIFT_POLL_MINUTS',
    'environment NIGHTSHIFT_LOG_LEVEL',
    '--set pol.minutes',
    '.env DATABASE_URL',
  ]);
});

test('says the value, what is wrong with it, and an example', () => {
  const [fault] = faultsOf({ environment: { NIGHTSHIFT_CONCURRENCY_RUNS: '0' } });

  expect(fault).toMatchObject({
    key: 'NIGHTSHIFT_CONCURRENCY_RUNS',
    value: '0',
    problem: expect.stringContaining('>=1'),
    example: 'NIGHTSHIFT_CONCURRENCY_RUNS=7',
  });
});

test('names the nearest known key for one that is not known', () => {
  const faults = faultsOf({
    homeYaml: 'pole: {}\npoll: { minuets: 1 }',
    environment: { NIGHTSHIFT_PROFIL: 'auto' },
  });

  expect(faults.map(({ problem }) => problem)).toEqual([
    'is not a setting: did you mean poll?',
    'is not a setting: did you mean poll.minutes?',
    'is not a setting: did you mean NIGHTSHIFT_PROFILE?',
  ]);
});

test('never repeats a secret, wherever it was put', () => {
  const faults = faultsOf({
    environment: {
      DATABASE_URL: 'tcp://me:hunter2@host',
      OPENAI_BASE_URL: 'ftp://me:hunter2@host',
    },
    homeYaml:
      'openai_api_key: sk-abcdefghijklmnop\nlog: { level: "postgres://me:hunter2@host/db" }',
  });

  expect(faults).toHaveLength(4);
  expect(JSON.stringify(faults)).not.toMatch(/hunter2|abcdefghijklmnop/);
});

test('reports a file that is no YAML with its line', () => {
  const [fault] = faultsOf({ homeYaml: 'poll:\n  minutes: [1\n' });

  expect(fault?.problem).toMatch(/is not YAML.*line 3/s);
});

test('chooses the model provider by what is there, unless told', () => {
  const keyed = { OPENAI_API_KEY: 'sk-x' };

  expect(configOf({ environment: keyed }).modelProvider).toBe('openai');
  expect(configOf({ dotenv: { OPENAI_BASE_URL: 'http://127.0.0.1:1/v1' } }).modelProvider).toBe(
    'openai',
  );
  expect(
    configOf({ environment: { ...keyed, NIGHTSHIFT_MODELS_PROVIDER: 'offline' } }).modelProvider,
  ).toBe('offline');
});

test('takes the Supabase profile with an address and a key, and the embedded one when asked for', () => {
  const environment = { SUPABASE_URL: 'https://abcdefgh.supabase.co' };
  const whole = { ...environment, SUPABASE_SECRET_KEY: 'sb_secret_planted' };

  const [fault] = faultsOf({ environment });

  expect(fault).toMatchObject({ key: 'SUPABASE_SECRET_KEY' });
  expect(configOf({ environment: whole }).profile).toBe('supabase');
  expect(configOf({ environment, homeYaml: 'profile: embedded' }).profile).toBe('embedded');
});

test.each([
  [{ GOOGLE_CLIENT_ID: '1-a.apps.googleusercontent.com' }, 'GOOGLE_CLIENT_SECRET'],
  [{ TELEGRAM_CHAT_IDS: '123' }, 'TELEGRAM_BOT_TOKEN'],
  [{ TELEGRAM_BOT_TOKEN: 'planted' }, 'TELEGRAM_BOT_TOKEN'],
  [{ TELEGRAM_CHAT_IDS: 'nobody' }, 'TELEGRAM_CHAT_IDS'],
])('names the secret that %o lacks or has wrong, without its value', (environment, key) => {
  const faults = faultsOf({ environment });

  expect(faults.map((fault) => fault.key)).toContain(key);
  expect(JSON.stringify(faults)).not.toContain('planted');
});

test('refuses a longest wait below the first', () => {
  const [fault] = faultsOf({ homeYaml: 'retry: { base_ms: 500, cap_ms: 100 }' });

  expect(fault?.key).toBe('retry.cap_ms');
});

test.each([
  ['a value that holds itself', 'a: &a [*a]', 'a'],
  ['a setting that holds itself', 'poll: { minutes: &a [*a] }', 'poll.minutes'],
  ['an alias of nothing', 'poll: *nope', '(file)'],
])('reports %s as a fault', (_, homeYaml, key) => {
  expect(faultsOf({ homeYaml })).toMatchObject([{ key, source: 'config.yaml' }]);
});
