// The shape of Nova's output: data sources, baselines, KPIs, funnel, tracking plan, tests and limits.
import { z } from 'zod';

import { envelope } from '../../../core/output.ts';

const kpiId = z.string().regex(/^M\d+$/);
const IsoDate = z.string().regex(/^\d{4}-\d{2}-\d{2}/, 'is not a date such as 2026-11-22');

const Source = z.object({
  id: z.string().regex(/^T\d+$/),
  kind: z.enum(['upload', 'api']),
  file: z.string().nullable().default(null),
  rows: z.number().int().nonnegative(),
  date_from: z.string().nullable().default(null),
  date_to: z.string().nullable().default(null),
  columns: z.array(z.string()).max(500).default([]),
  quality: z
    .array(z.object({ issue: z.string().min(1), rows: z.number().int().nonnegative().nullable() }))
    .max(50)
    .default([]),
});

const Baseline = z.object({
  metric: z.string().min(1),
  value: z.number(),
  /** `rate` for shares from 0 to 1, else `count`, a currency, or the unit of the file. */
  unit: z.string().min(1),
  period: z.string().min(1),
  segment: z.string().nullable().default(null),
  /** How the value comes from the columns, such as `sum(orders) / sum(sessions)`. */
  formula: z.string().nullable().default(null),
  evidence_id: z.string(),
});
export type Baseline = z.infer<typeof Baseline>;

const Kpi = z.object({
  id: kpiId,
  name: z.string().min(1),
  formula: z.string().min(1),
  baseline: z.number().nullable().default(null),
  target: z.number().nullable().default(null),
  unit: z.string().min(1),
  cadence: z.enum(['daily', 'weekly', 'monthly']),
  owner: z.string().min(1),
  source: z.string().min(1),
});
export type Kpi = z.infer<typeof Kpi>;

const Stage = z.object({
  stage: z.string().min(1),
  count: z.number().nonnegative(),
  rate_from_previous: z.number().nullable().default(null),
  /** Why there are more than at the stage before, where that is so. */
  note: z.string().nullable().default(null),
  evidence_id: z.string(),
});
export type Stage = z.infer<typeof Stage>;

const Insight = z.object({
  headline: z.string().min(1),
  so_what: z.string().min(1),
  action: z.string().min(1),
  est_impact: z.string().nullable().default(null),
  confidence: z.enum(['low', 'medium', 'high']),
  evidence_ids: z.array(z.string()).max(20),
});
export type Insight = z.infer<typeof Insight>;

const TrackedEvent = z.object({
  event: z.string().min(1),
  trigger: z.string().min(1),
  params: z
    .array(
      z.object({ name: z.string().min(1), type: z.enum(['string', 'number', 'boolean', 'items']) }),
    )
    .default([]),
  destination: z.string().min(1),
  /** Null when nobody has looked. */
  exists: z.boolean().nullable().default(null),
});
export type TrackedEvent = z.infer<typeof TrackedEvent>;

const Experiment = z.object({
  hypothesis: z.string().min(1),
  metric_id: kpiId,
  baseline_rate: z.number(),
  /** Relative: 20 means from 5 % to 6 %. */
  mde_pct: z.number().positive(),
  alpha: z.number().min(0.001).max(0.5),
  power: z.number().min(0.5).max(0.999),
  sample_per_arm: z.number().int().positive(),
  est_days: z.number().positive().nullable().default(null),
});
export type Experiment = z.infer<typeof Experiment>;

export const NovaData = z.object({
  sources: z.array(Source).max(30).default([]),
  baselines: z.array(Baseline).max(100).default([]),
  kpis: z.array(Kpi).min(1).max(20),
  funnel: z.array(Stage).max(12).default([]),
  insights: z.array(Insight).max(20).default([]),
  anomalies: z
    .array(
      z.object({
        metric: z.string().min(1),
        date: IsoDate,
        expected: z.number(),
        actual: z.number(),
        z: z.number(),
      }),
    )
    .max(50)
    .default([]),
  segments: z
    .array(
      z.object({
        name: z.string().min(1),
        metric: z.string().min(1),
        value: z.number(),
        evidence_id: z.string(),
      }),
    )
    .max(50)
    .default([]),
  tracking_plan: z.array(TrackedEvent).min(1).max(60),
  experiments: z.array(Experiment).max(10).default([]),
  kill_criteria: z
    .array(
      z.object({
        metric_id: kpiId,
        op: z.enum(['<', '>']),
        threshold: z.number(),
        window_days: z.number().int().min(1).max(365),
        action: z.string().min(1),
      }),
    )
    .max(10)
    .default([]),
  forecast: z
    .array(
      z.object({
        metric_id: kpiId,
        date: IsoDate,
        p10: z.number(),
        p50: z.number(),
        p90: z.number(),
      }),
    )
    .max(400)
    .default([]),
  attribution: z.object({
    model: z.string().min(1),
    why: z.string().min(1),
    limits: z.string().min(1),
  }),
});
export type NovaData = z.infer<typeof NovaData>;

export const NovaOutput = envelope('nova', NovaData);
export type NovaOutput = z.infer<typeof NovaOutput>;
