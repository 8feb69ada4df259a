// Reads the dated limits of the platforms from `config/platform-specs.yaml`.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { parse } from 'yaml';
import { z } from 'zod';

import { appError } from '../../core/errors.ts';

const source = { verified_at: z.iso.date().nullable(), source: z.string().min(1) };
const whole = z.number().int().positive();

/** `max` is refused by the platform. */
const Limit = z.strictObject({ max: whole, ...source });
/** `advised` is where the platform cuts the text off. */
const SoftLimit = Limit.extend({ advised: whole });
const Span = z.strictObject({ min: whole, max: whole });

export const PostSpec = z.strictObject({
  caption: Limit.extend({ advised: whole.optional() }),
  /** Characters that show before the reader has to ask for more. */
  hook: whole.optional(),
  max_hashtags: whole.optional(),
  hashtags_source: z.string().optional(),
  min_gap_hours: z.number().positive(),
});
export type PostSpec = z.infer<typeof PostSpec>;

export const socialPlatforms = [
  'x',
  'linkedin',
  'instagram',
  'threads',
  'tiktok',
  'facebook',
  'youtube',
] as const;
export type SocialPlatform = (typeof socialPlatforms)[number];

export const PlacementSpec = z.strictObject({
  id: z.string().regex(/^[a-z][a-z0-9-]*$/),
  platform: z.string(),
  width: whole,
  height: whole,
  max_bytes: whole,
  /** Shares of the height, in percent, that must hold no text. */
  safe_zone: z.strictObject({ top_pct: z.number(), bottom_pct: z.number() }).optional(),
  ...source,
});
export type PlacementSpec = z.infer<typeof PlacementSpec>;

export const PlatformSpecs = z.strictObject({
  google_ads: z.strictObject({
    headline: Limit,
    description: Limit,
    path: Limit,
    long_headline: Limit,
    business_name: Limit,
    headlines: Span,
    descriptions: Span,
  }),
  meta_ads: z.strictObject({
    primary_text: SoftLimit,
    headline: SoftLimit,
    description: SoftLimit,
  }),
  linkedin_ads: z.strictObject({ intro: SoftLimit, headline: SoftLimit, description: SoftLimit }),
  search_result: z.strictObject({ title: Limit, description: Limit }),
  email: z.strictObject({ subject: SoftLimit, preheader: Span.extend(source) }),
  sms: z.strictObject({ gsm7: Limit, ucs2: Limit }),
  posts: z.record(z.enum(socialPlatforms), PostSpec),
  video: z.strictObject({ youtube_title: SoftLimit, youtube_description: Limit }),
  subtitles: z.strictObject({
    characters_per_line: whole,
    lines: whole,
    min_seconds: z.number().positive(),
    max_seconds: z.number().positive(),
    characters_per_second: z.number().positive(),
    ...source,
  }),
  placements: z.array(PlacementSpec).min(1),
});
export type PlatformSpecs = z.infer<typeof PlatformSpecs>;

const file = fileURLToPath(new URL('../../../config/platform-specs.yaml', import.meta.url));
let known: PlatformSpecs | undefined;

/** The limits, read once. Throws `config_invalid` with the exact fault when the file is not valid. */
export function platformSpecs(): PlatformSpecs {
  known ??= parsePlatformSpecs(readFileSync(file, 'utf8'));
  return known;
}

export function parsePlatformSpecs(text: string): PlatformSpecs {
  const result = PlatformSpecs.safeParse(parse(text));
  if (!result.success) {
    const detail = `config/platform-specs.yaml: ${z.prettifyError(result.error)}`;
    throw appError('config_invalid', { detail });
  }
  return result.data;
}
