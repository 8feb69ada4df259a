// Every setting with its type and range; the defaults and their explanations are in config/nightshift.yaml.
import { z } from 'zod';

const seconds = (most: number) => z.number().positive().max(most);

/** 0 is the same as `off`: never. */
const days = z.union([z.literal('off'), z.number().min(0).max(36_500)], {
  error: 'is neither a number of days (0 to 36500) nor off',
});

/** US dollars per million tokens. A model without a price costs an unknown amount, never nothing. */
export const ModelPrice = z.strictObject({
  input: z.number().nonnegative(),
  output: z.number().nonnegative(),
  /** Input that the provider had cached; default: as dear as `input`. */
  cached: z.number().nonnegative().optional(),
});
export type ModelPrice = z.infer<typeof ModelPrice>;

export const Settings = z.strictObject({
  profile: z.enum(['auto', 'embedded', 'supabase']),
  worker: z.strictObject({ name: z.string().trim().min(1).max(80) }),
  poll: z.strictObject({ minutes: z.number().min(0.25).max(1_440), wake: z.boolean() }),
  queue: z.strictObject({ lease_seconds: seconds(3_600), sweep_seconds: seconds(3_600) }),
  concurrency: z.strictObject({
    runs: z.number().int().min(1).max(64),
    deliveries: z.number().int().min(1).max(32),
  }),
  database: z.strictObject({ pool: z.number().int().min(2).max(100) }),
  retry: z.strictObject({
    base_ms: z.number().int().min(1).max(3_600_000),
    cap_ms: z.number().int().min(1).max(86_400_000),
  }),
  timeouts: z.strictObject({
    model_connect_seconds: seconds(300),
    model_idle_seconds: seconds(300),
    fetch_seconds: seconds(600),
    delivery_seconds: seconds(3_600),
    stop_grace_seconds: seconds(600),
  }),
  models: z.strictObject({
    provider: z.enum(['auto', 'openai', 'offline']),
    default: z.string().trim().min(1),
    prices: z.record(z.string(), ModelPrice),
  }),
  outputs: z.strictObject({ folder: z.string().min(1).nullable() }),
  agents: z.strictObject({ folder: z.string().min(1).nullable() }),
  fetch: z.strictObject({ allow_private: z.boolean() }),
  telegram: z.strictObject({
    bot: z.boolean(),
    /** Numeric ids of the people whom the bot listens to. */
    allowed_ids: z.array(z.number().int().positive()).max(100),
  }),
  disk: z.strictObject({
    low_water_mb: z.number().min(0).max(10_000_000),
    check_seconds: seconds(3_600),
  }),
  recovery: z.strictObject({
    first_pause_seconds: seconds(3_600),
    longest_pause_seconds: seconds(86_400),
  }),
  retention: z.strictObject({
    at: z
      .string()
      .regex(/^(([01]\d|2[0-3]):[0-5]\d|off)$/, 'is neither a time (00:00 to 23:59) nor off'),
    tasks_days: days,
    contents_days: days,
    steps_days: days,
    progress_days: days,
    polls_days: days,
  }),
  log: z.strictObject({ level: z.enum(['debug', 'info', 'warn', 'error']) }),
});
export type Settings = z.infer<typeof Settings>;

/** One setting: where it stands in YAML, its twin in the environment, and what it accepts. */
export type Leaf = {
  path: string;
  section: string | null;
  key: string;
  twin: string;
  schema: z.ZodType;
};

export const leaves: readonly Leaf[] = Object.entries(Settings.shape).flatMap(([name, schema]) =>
  schema instanceof z.ZodObject
    ? Object.entries(schema.shape).map(([key, inner]) => leaf(name, key, inner))
    : [leaf(null, name, schema)],
);

function leaf(section: string | null, key: string, schema: z.ZodType): Leaf {
  const path = section === null ? key : `${section}.${key}`;
  return { path, section, key, twin: `NIGHTSHIFT_${path.replace('.', '_').toUpperCase()}`, schema };
}

export const sectionNames: readonly string[] = [
  ...new Set(leaves.flatMap(({ section }) => section ?? [])),
];
