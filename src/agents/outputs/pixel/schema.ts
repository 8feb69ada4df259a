// The shape of the art director's output: concepts, planned images, prompts, sizes, wireframe, tokens.
import { z } from 'zod';

import { envelope } from '../../../core/output.ts';

const Reference = z.string().max(80).nullable().default(null);
const Line = z.string().trim().min(1).max(600);
const Hex = z.string().regex(/^#[0-9a-f]{6}$/i, 'must be a colour such as #1a2b3c');
const Pixels = z.number().int().positive().max(20_000);
const Id = (letter: string) =>
  z
    .string()
    .regex(new RegExp(`^${letter}\\d+$`), `must be ${letter} and a number, such as ${letter}1`);
const Typeface = z.object({ heading: Line, body: Line });

export const PlannedImage = z.object({
  id: Id('I'),
  concept_id: z.string(),
  /** The id of a placement of the platform specs. */
  placement: z.string(),
  width: Pixels,
  height: Pixels,
  format: z.enum(['png', 'jpg']),
  /** The picture and its size, once one was made. */
  file_id: z.string().optional(),
  bytes: z.number().int().positive().optional(),
  /** A headline of Echo, or null; `headline` is its text, word for word. */
  headline_id: Reference,
  headline: Line,
  cta_text: Line,
  /** Where text stands, in pixels from the top left corner. */
  text_boxes: z
    .array(
      z.object({
        text: Line,
        x: z.number().min(0),
        y: z.number().min(0),
        w: z.number().positive(),
        h: z.number().positive(),
        px: z.number().positive(),
      }),
    )
    .max(20)
    .default([]),
  text_hex: Hex,
  background_hex: Hex,
  /** Contrast ratio of the two colours above by WCAG 2. */
  contrast: z.number().min(1).max(21),
  alt: z.string().trim().min(1).max(1000),
  method: z.enum(['planned', 'rendered', 'generated+rendered']).default('planned'),
  prompt_id: Reference,
});
export type PlannedImage = z.infer<typeof PlannedImage>;

export const PixelData = z.object({
  concepts: z
    .array(
      z.object({
        id: Id('D'),
        name: Line,
        why: Line,
        pillar_id: Reference,
        mood: Line,
        composition: Line,
        palette: z
          .array(
            z.object({
              hex: Hex,
              role: z.enum(['primary', 'secondary', 'accent', 'text', 'background']),
            }),
          )
          .min(2)
          .max(12),
        type: Typeface,
      }),
    )
    .min(3)
    .max(10),
  images: z.array(PlannedImage).min(1).max(60),
  prompts: z
    .array(
      z.object({
        id: Id('R'),
        prompt: z.string().trim().min(1).max(3000),
        negative: z.string().max(1000).nullable().default(null),
        aspect: z.string().max(20),
        use: Line,
      }),
    )
    .max(40)
    .default([]),
  specs: z
    .array(
      z.object({
        platform: z.string(),
        placement: z.string(),
        width: Pixels,
        height: Pixels,
        max_bytes: z.number().int().positive(),
        safe_zone: z
          .object({ top_pct: z.number().min(0).max(100), bottom_pct: z.number().min(0).max(100) })
          .nullable()
          .default(null),
      }),
    )
    .max(60)
    .default([]),
  wireframe: z
    .object({
      sections: z.array(z.object({ name: Line, elements: z.array(Line).max(20) })).max(30),
    })
    .nullable()
    .default(null),
  tokens: z.object({
    color: z
      .array(
        z.object({
          role: z.string().regex(/^[a-z][a-z0-9-]*$/, 'must be lower case, such as `accent`'),
          hex: Hex,
        }),
      )
      .min(2)
      .max(30),
    type: Typeface,
    /** Distances in pixels, smallest first. */
    space: z.array(z.number().positive()).min(1).max(20),
  }),
  /** Texts that the client must print, word for word. */
  disclaimers: z.array(z.string().max(500)).max(20).default([]),
});
export type PixelData = z.infer<typeof PixelData>;

export const PixelOutput = envelope('pixel', PixelData);
export type PixelOutput = z.infer<typeof PixelOutput>;
