// The shape of the copywriter's output: angles, headlines, adverts, e-mails, landing page, claims.
import { z } from 'zod';

import { envelope } from '../../../core/output.ts';

const Reference = z.string().max(80).nullable().default(null);
const Line = z.string().trim().min(1).max(400);
const Body = z.string().trim().min(1).max(6000);
const Link = z
  .url({ protocol: /^https?$/ })
  .nullable()
  .default(null);
const id = (letter: string) =>
  z
    .string()
    .regex(new RegExp(`^${letter}\\d+$`), `must be ${letter} and a number, such as ${letter}1`);

export const RsaAd = z.object({
  /** An ad group of Apex, or null when none was handed over. */
  ad_group_id: Reference,
  headlines: z.array(
    z.object({ text: Line, pin: z.union([z.literal(1), z.literal(2), z.literal(3)]).optional() }),
  ),
  descriptions: z.array(z.object({ text: Line })),
  path1: z.string().max(60).nullable().default(null),
  path2: z.string().max(60).nullable().default(null),
  final_url: Link,
});

export const EchoData = z.object({
  /** True only when every claim is proven: files then go to the client as they are. */
  client_ready: z.boolean().default(false),
  angles: z
    .array(
      z.object({
        id: id('N'),
        name: Line,
        audience_id: Reference,
        pillar_id: Reference,
        insight: Line,
      }),
    )
    .min(3)
    .max(12),
  headlines: z
    .array(
      z.object({
        id: id('H'),
        text: Line,
        angle_id: z.string(),
        keyword_id: Reference,
        kpi_id: Reference,
      }),
    )
    .min(5)
    .max(40),
  rsa: z.array(RsaAd).max(20).default([]),
  meta: z
    .array(
      z.object({
        id: id('F'),
        primary_text: Body,
        headline: Line,
        description: Line,
        cta: Line,
        angle_id: z.string(),
        audience_id: Reference,
      }),
    )
    .max(20)
    .default([]),
  linkedin: z
    .array(z.object({ id: id('L'), intro: Body, headline: Line, description: Line, cta: Line }))
    .max(20)
    .default([]),
  emails: z
    .array(
      z.object({
        /** Days after the campaign's start. */
        day: z.number().int().min(0).max(365),
        goal: Line,
        subject: Line,
        preheader: Line,
        body_md: Body,
        cta: z.object({ label: Line, url: Link }),
      }),
    )
    .max(20)
    .default([]),
  sms: z
    .array(z.object({ text: Line }))
    .max(10)
    .default([]),
  landing: z.object({
    meta_title: Line,
    meta_description: Line,
    hero: z.object({ h1: Line, sub: Line, cta: Line }),
    sections: z
      .array(z.object({ kind: Line, h2: Line, body: Body }))
      .min(1)
      .max(20),
    faq: z
      .array(z.object({ q: Line, a: Body }))
      .max(20)
      .default([]),
  }),
  ctas: z
    .array(
      z.object({
        id: id('C'),
        text: Line,
        strength: z.enum(['soft', 'medium', 'hard']),
        kpi_id: Reference,
      }),
    )
    .min(1)
    .max(20),
  ab_tests: z
    .array(z.object({ a_id: z.string(), b_id: z.string(), hypothesis: Line, kpi_id: Reference }))
    .max(20)
    .default([]),
  claims: z
    .array(
      z.object({
        text: Line,
        evidence_id: z.string().nullable().default(null),
        status: z.enum(['supported', 'needs_proof', 'removed']),
      }),
    )
    .max(100)
    .default([]),
  /** Texts that the client must print, word for word. */
  disclaimers: z.array(z.string().max(500)).max(20).default([]),
});
export type EchoData = z.infer<typeof EchoData>;

export const EchoOutput = envelope('echo', EchoData);
export type EchoOutput = z.infer<typeof EchoOutput>;
