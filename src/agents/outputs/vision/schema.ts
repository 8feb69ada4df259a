// The shape of Vision's output: brand, market, competitors, audiences, positioning and message pillars.
import { z } from 'zod';

import { envelope } from '../../../core/output.ts';

const texts = z.array(z.string().min(1)).max(30).default([]);
const evidenceIds = z.array(z.string()).max(50).default([]);

export const Colour = z.object({
  hex: z.string().regex(/^#[0-9a-fA-F]{6}$/),
  role: z.enum(['primary', 'secondary', 'accent', 'text', 'background']),
});
export type Colour = z.infer<typeof Colour>;

const Brand = z.object({
  one_liner: z.string().min(1),
  category: z.string().min(1),
  promise: z.string().min(1),
  proof: z.array(z.object({ text: z.string().min(1), evidence_id: z.string() })).max(30),
  voice: z.object({ adjectives: texts, do: texts, dont: texts }),
  visual: z.object({
    colors: z.array(Colour).max(12).default([]),
    fonts: z.array(z.string().min(1)).max(6).default([]),
    logo_url: z.string().nullable().default(null),
    /** Where colours and fonts come from; a proposal has to be agreed with the client. */
    source: z.enum(['brief', 'page', 'proposal']).default('proposal'),
  }),
});

const Market = z.object({
  summary: z.string().min(1),
  trends: z
    .array(
      z.object({
        statement: z.string().min(1),
        horizon: z.enum(['now', 'this_year', 'later']),
        evidence_id: z.string(),
      }),
    )
    .max(10)
    .default([]),
  size: z
    .object({
      value: z.number(),
      unit: z.string(),
      year: z.number().int(),
      evidence_id: z.string(),
    })
    .nullable()
    .default(null),
});

export const Competitor = z.object({
  id: z.string().regex(/^C\d+$/),
  name: z.string().min(1),
  domain: z.string().min(1),
  /** `reached` when a tool read one of its pages; `not_checked` when nobody tried. */
  status: z.enum(['reached', 'unreachable', 'not_checked']),
  positioning: z.string().min(1),
  offers: texts,
  prices: z
    .array(
      z.object({
        item: z.string().min(1),
        amount: z.number(),
        currency: z.string().length(3),
        evidence_id: z.string(),
      }),
    )
    .max(20)
    .default([]),
  strengths: texts,
  gaps: texts,
  evidence_ids: evidenceIds,
});
export type Competitor = z.infer<typeof Competitor>;

export const Audience = z.object({
  id: z.string().regex(/^A\d+$/),
  name: z.string().min(1),
  job_to_be_done: z.string().min(1),
  pains: texts,
  desires: texts,
  objections: texts,
  triggers: texts,
  channels: texts,
  phrases_they_use: texts,
  evidence_ids: evidenceIds,
});
export type Audience = z.infer<typeof Audience>;

export const Pillar = z.object({
  id: z.string().regex(/^P\d+$/),
  title: z.string().min(1),
  message: z.string().min(1),
  audience_ids: z.array(z.string()),
  proof_evidence_ids: z.array(z.string()),
});
export type Pillar = z.infer<typeof Pillar>;

export const Opportunity = z.object({
  id: z.string().regex(/^O\d+$/),
  title: z.string().min(1),
  why: z.string().min(1),
  effort: z.number().int().min(1).max(5),
  impact: z.number().int().min(1).max(5),
  /** Impact divided by effort. */
  score: z.number(),
});
export type Opportunity = z.infer<typeof Opportunity>;

export const VisionData = z.object({
  brand: Brand,
  market: Market,
  competitors: z.array(Competitor).max(8).default([]),
  audiences: z.array(Audience).max(10),
  positioning: z.object({
    statement: z.string().min(1),
    differentiator: z.string().min(1),
    reasons_to_believe: z.array(z.string()).max(10).default([]),
  }),
  pillars: z.array(Pillar).max(10),
  opportunities: z.array(Opportunity).max(20).default([]),
  risks: z
    .array(
      z.object({
        risk: z.string().min(1),
        severity: z.enum(['low', 'medium', 'high']),
        mitigation: z.string().min(1),
      }),
    )
    .max(20)
    .default([]),
});
export type VisionData = z.infer<typeof VisionData>;

export const VisionOutput = envelope('vision', VisionData);
export type VisionOutput = z.infer<typeof VisionOutput>;
