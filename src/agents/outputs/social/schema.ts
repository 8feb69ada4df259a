// The shape of the social strategist's output: strategy, posts, replies, escalation, hashtags.
import { z } from 'zod';

import { envelope } from '../../../core/output.ts';
import { socialPlatforms } from '../platform-specs.ts';

const Reference = z.string().max(80).nullable().default(null);
const References = z.array(z.string().max(80)).max(20).default([]);
const Line = z.string().trim().min(1).max(400);
const Link = z
  .url({ protocol: /^https?$/ })
  .nullable()
  .default(null);
const Platform = z.enum(socialPlatforms);
const Hashtag = z
  .string()
  .regex(/^#[\p{L}\p{M}\p{N}_]+$/u, 'must be # and letters, figures or _, such as #ColdBrew');

export const Post = z.object({
  id: z.string().regex(/^S\d+$/, 'must be S and a number, such as S1'),
  platform: Platform,
  /** When to publish, with the offset from UTC. */
  at: z.iso.datetime({ offset: true }),
  format: z.enum(['text', 'image', 'carousel', 'video', 'story', 'thread', 'poll']),
  /** The text without hashtags and link: those are added behind it. */
  caption: z.string().trim().min(1).max(10_000),
  /** The further parts of a thread, the caption being the first. */
  thread: z.array(z.string().trim().min(1).max(2000)).max(20).default([]),
  hashtags: z.array(Hashtag).max(30).default([]),
  mentions: z.array(z.string().max(80)).max(10).default([]),
  link_url: Link,
  /** The link with its UTM parameters: what is published. */
  utm_url: Link,
  image_ids: References,
  video_id: Reference,
  headline_ids: References,
  /** The `name` of one of the strategy's pillars. */
  theme: Line,
  pillar_id: Reference,
  kpi_id: Reference,
  /** What the picture shows, for those who do not see it. */
  alt: z.string().max(1000).nullable().default(null),
  status: z.literal('draft').default('draft'),
});
export type Post = z.infer<typeof Post>;

export const SocialData = z.object({
  strategy: z.object({
    pillars: z
      .array(z.object({ id: Reference, name: Line, share_pct: z.number().min(0).max(100) }))
      .min(1)
      .max(10),
    cadence: z.array(z.object({ platform: Platform, per_week: z.number().min(0).max(50) })).max(10),
    tone: z
      .array(z.object({ platform: Platform, note: Line }))
      .max(10)
      .default([]),
  }),
  posts: z.array(Post).min(1).max(120),
  replies: z
    .array(z.object({ trigger: Line, answer: z.string().trim().min(1).max(2000) }))
    .max(30)
    .default([]),
  escalation: z
    .array(z.object({ when: Line, who: Line }))
    .max(20)
    .default([]),
  hashtag_sets: z
    .array(z.object({ name: Line, platform: Platform, tags: z.array(Hashtag).max(30) }))
    .max(20)
    .default([]),
  /** Texts that the client must print, word for word. */
  disclaimers: z.array(z.string().max(500)).max(20).default([]),
});
export type SocialData = z.infer<typeof SocialData>;

export const SocialOutput = envelope('social', SocialData);
export type SocialOutput = z.infer<typeof SocialOutput>;
