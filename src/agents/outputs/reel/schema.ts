// The shape of the video producer's output: scripts with timings, shots, production, other uses.
import { z } from 'zod';

import { envelope } from '../../../core/output.ts';

const Reference = z.string().max(80).nullable().default(null);
const Line = z.string().trim().min(1).max(400);
const Seconds = z.number().min(0).max(1800);
const Link = z
  .url({ protocol: /^https?$/ })
  .nullable()
  .default(null);

export const ScriptLine = z.object({
  /** Start and end in seconds from the start of the video. */
  t0: Seconds,
  t1: Seconds,
  /** What is spoken; empty where nobody speaks. */
  vo: z.string().max(2000).default(''),
  /** Words on the screen; empty where there are none. */
  on_screen: z.string().max(200).default(''),
  visual: Line,
  sound: z.string().max(200).nullable().default(null),
  shot_id: z.string(),
});
export type ScriptLine = z.infer<typeof ScriptLine>;

export const Video = z.object({
  id: z.string().regex(/^V\d+$/, 'must be V and a number, such as V1'),
  platform: z.enum(['instagram', 'tiktok', 'youtube', 'facebook', 'linkedin', 'x', 'threads']),
  length_s: z.number().positive().max(1800),
  aspect: z.enum(['9:16', '1:1', '4:5', '16:9']),
  audience_id: Reference,
  pillar_id: Reference,
  angle_id: Reference,
  hook: z.object({ text: Line, kind: Line, end_s: Seconds }),
  lines: z.array(ScriptLine).min(2).max(200),
  /** `at_s` is when the call to action begins. */
  cta: z.object({ text: Line, url: Link, at_s: Seconds }),
  title: z.string().trim().min(1).max(300),
  description: z.string().trim().min(1).max(10_000),
  hashtags: z
    .array(z.string().regex(/^#[\p{L}\p{M}\p{N}_]+$/u, 'must be # and letters or figures'))
    .max(30)
    .default([]),
  /** Written by code from the lines; leave it out. */
  captions_file: z.string().nullable().default(null),
  thumbnail_image_id: Reference,
});
export type Video = z.infer<typeof Video>;

export const ReelData = z.object({
  videos: z.array(Video).min(1).max(12),
  shots: z
    .array(
      z.object({
        id: z.string().regex(/^SH\d+$/, 'must be SH and a number, such as SH1'),
        size: Line,
        camera: Line,
        place: Line,
        props: z.array(z.string().max(200)).max(20).default([]),
        cast: z.array(z.string().max(200)).max(20).default([]),
        note: z.string().max(600).nullable().default(null),
      }),
    )
    .min(1)
    .max(100),
  production: z.object({
    cast: z.array(Line).max(20).default([]),
    places: z.array(Line).max(20).default([]),
    gear: z.array(Line).max(30).default([]),
    days: z.number().positive().max(60),
    music: z.object({ mood: Line, bpm: z.number().int().min(40).max(220), licence: Line }),
    releases: z.array(Line).max(20).default([]),
  }),
  repurpose: z
    .array(z.object({ from: z.string().max(80), to: Line, change: Line }))
    .max(20)
    .default([]),
  /** Texts that the client must print, word for word. */
  disclaimers: z.array(z.string().max(500)).max(20).default([]),
});
export type ReelData = z.infer<typeof ReelData>;

export const ReelOutput = envelope('reel', ReelData);
export type ReelOutput = z.infer<typeof ReelOutput>;
