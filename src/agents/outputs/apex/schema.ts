// The shape of Apex's output: page audit, keywords, page texts, paid search plan and tracking codes.
import { z } from 'zod';

import { envelope } from '../../../core/output.ts';

const texts = z.array(z.string().min(1)).max(40).default([]);
const Intent = z.enum(['info', 'commercial', 'transactional', 'navigational']);
const count = z.number().nonnegative().nullable().default(null);

export const Issue = z.object({
  id: z.string().regex(/^T\d+$/),
  url: z.string().min(1),
  rule: z.string().min(1),
  severity: z.enum(['error', 'warn', 'info']),
  measured: z.union([z.string(), z.number()]),
  limit: z.union([z.string(), z.number()]),
  fix: z.string().min(1),
});
export type Issue = z.infer<typeof Issue>;

export const Keyword = z.object({
  id: z.string().regex(/^K\d+$/),
  term: z.string().min(1).max(80),
  intent: Intent,
  cluster_id: z.string(),
  /** Searches a month. Null unless an API or an upload measured it; so are the next three. */
  volume: count,
  difficulty: count,
  cpc: count,
  current_rank: count,
  target_url: z.string().nullable().default(null),
  priority: z.number().int().min(1).max(3),
  evidence_id: z.string(),
});
export type Keyword = z.infer<typeof Keyword>;

export const Cluster = z.object({
  id: z.string().regex(/^CL\d+$/),
  name: z.string().min(1),
  pillar_url: z.string().nullable().default(null),
  keyword_ids: z.array(z.string()).min(1),
});
export type Cluster = z.infer<typeof Cluster>;

export const PageFix = z.object({
  url: z.string().min(1),
  title_tag: z.string(),
  meta_description: z.string(),
  h1: z.string().min(1),
  schema_type: z.string().nullable().default(null),
  internal_links: z
    .array(z.object({ from: z.string(), anchor: z.string().min(1) }))
    .max(20)
    .default([]),
});
export type PageFix = z.infer<typeof PageFix>;

/** Estimates hang together: clicks = amount / cpc, conversions = clicks × cvr, cpa = amount / conversions. */
const Estimate = z.object({
  cpc: z.number().positive(),
  clicks: z.number().nonnegative(),
  /** Share of clicks that convert, from 0 to 1. */
  cvr: z.number(),
  conversions: z.number().nonnegative(),
  cpa: z.number().nonnegative().nullable().default(null),
});

export const PaidChannel = z.object({
  name: z.string().min(1),
  share_pct: z.number().min(0).max(100),
  amount: z.number().nonnegative().nullable().default(null),
  objective: z.string().min(1),
  bid_strategy: z.string().nullable().default(null),
  est: Estimate.nullable().default(null),
  evidence_id: z.string(),
});
export type PaidChannel = z.infer<typeof PaidChannel>;

export const AdGroup = z.object({
  id: z.string().regex(/^G\d+$/),
  name: z.string().min(1),
  keywords: z
    .array(z.object({ text: z.string().min(1), match: z.enum(['exact', 'phrase', 'broad']) }))
    .min(1),
  negatives: texts,
  landing_url: z.string().nullable().default(null),
});
export type AdGroup = z.infer<typeof AdGroup>;

export const Campaign = z.object({
  name: z.string().min(1),
  type: z.string().min(1),
  ad_groups: z.array(AdGroup).min(1),
});
export type Campaign = z.infer<typeof Campaign>;

const Paid = z.object({
  total: z
    .object({
      amount: z.number().nonnegative(),
      currency: z.string().length(3),
      period: z.enum(['total', 'month', 'week']),
    })
    .nullable()
    .default(null),
  channels: z.array(PaidChannel).max(12).default([]),
  campaigns: z.array(Campaign).max(20).default([]),
  targeting: z
    .array(
      z.object({
        /** An audience of Vision; null when none was handed over. */
        audience_id: z.string().nullable().default(null),
        geo: texts,
        demo: texts,
        interests: texts,
        exclusions: texts,
      }),
    )
    .max(10)
    .default([]),
  assets: z
    .object({
      sitelinks: z
        .array(
          z.object({ text: z.string().min(1), d1: z.string(), d2: z.string(), url: z.string() }),
        )
        .max(20)
        .default([]),
      callouts: texts,
      snippets: z
        .array(z.object({ header: z.string().min(1), values: z.array(z.string().min(1)) }))
        .max(10)
        .default([]),
    })
    .prefault({}),
});

export const Utm = z.object({
  source: z.string(),
  medium: z.string(),
  campaign: z.string(),
  content: z.string().nullable().default(null),
});
export type Utm = z.infer<typeof Utm>;

export const ApexData = z.object({
  audit: z.object({
    pages_crawled: z.number().int().nonnegative(),
    /** 0 to 100; null when no page could be read. */
    score: z.number().min(0).max(100).nullable().default(null),
    issues: z.array(Issue).max(200).default([]),
  }),
  keywords: z.array(Keyword).min(1).max(300),
  clusters: z.array(Cluster).min(1).max(60),
  gaps: z
    .array(
      z.object({
        topic: z.string().min(1),
        intent: Intent,
        competitor_url: z.string().nullable().default(null),
        proposed_title: z.string().min(1),
        outline: texts,
      }),
    )
    .max(30)
    .default([]),
  page_fixes: z.array(PageFix).max(60).default([]),
  quick_wins: z
    .array(
      z.object({
        action: z.string().min(1),
        url: z.string().nullable().default(null),
        effort: z.number().int().min(1).max(5),
        impact: z.number().int().min(1).max(5),
        due_days: z.number().int().min(1).max(365),
      }),
    )
    .max(30)
    .default([]),
  paid: Paid,
  utm: z.array(Utm).max(60).default([]),
  platforms: texts,
});
export type ApexData = z.infer<typeof ApexData>;

export const ApexOutput = envelope('apex', ApexData);
export type ApexOutput = z.infer<typeof ApexOutput>;
