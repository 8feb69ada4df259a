// What a person hands in: the brief, checked once at the edge, with only a title and a text required.
import { z } from 'zod';

const Money = z.object({ amount: z.number().nonnegative(), currency: z.string().length(3) });
const IsoDate = z.iso.date();

/** A host name such as `example.com`; a full address is cut down to its host. */
export const Domain = z
  .string()
  .trim()
  .transform((text) =>
    text
      .replace(/^https?:\/\//i, '')
      .replace(/[/?#].*$/, '')
      .toLowerCase(),
  )
  .pipe(z.string().regex(/^[^\s@]{1,253}$/, 'is not a host name such as example.com'));

const HexColour = z.string().regex(/^#[0-9a-f]{6}$/i, 'is not a colour such as #1a2b3c');

/** The company the work is for. Every field may be missing: agents state what they assumed. */
export const Client = z.strictObject({
  name: z.string().trim().min(1).max(200),
  domain: Domain.optional(),
  industry: z.string().max(200).optional(),
  locale: z
    .string()
    .regex(/^[a-z]{2,3}(-[A-Z]{2})?$/, 'is not a locale such as en-US')
    .default('en-US'),
  tone_of_voice: z.array(z.string().max(60)).max(10).default([]),
  brand: z
    .strictObject({
      colors: z.array(HexColour).max(12).default([]),
      fonts: z.array(z.string().max(80)).max(6).default([]),
      do: z.array(z.string().max(200)).max(20).default([]),
      dont: z.array(z.string().max(200)).max(20).default([]),
      banned_words: z.array(z.string().min(1).max(60)).max(200).default([]),
      required_disclaimers: z
        .array(z.strictObject({ text: z.string().max(500), when: z.string().max(200) }))
        .max(20)
        .default([]),
    })
    .optional(),
  max_reading_grade: z.number().min(1).max(20).optional(),
});
export type Client = z.infer<typeof Client>;

/** A file that came with the brief; its bytes are in the database, or inline as `text`. */
export const Attachment = z.strictObject({
  name: z.string().min(1).max(255),
  kind: z.enum(['csv', 'xlsx', 'pdf', 'image', 'audio', 'video', 'doc']),
  note: z.string().max(500).optional(),
  /** The content of a text file. At most 5 MB in UTF-16 units. */
  text: z.string().max(5_000_000).optional(),
});
export type Attachment = z.infer<typeof Attachment>;

export const Objective = z.enum([
  'awareness',
  'leads',
  'sales',
  'retention',
  'launch',
  'report',
  'other',
]);

/** The longest description we accept, in UTF-16 units: past this a model reads no better, only dearer. */
export const maxDescriptionLength = 100_000;

export const Brief = z.strictObject({
  title: z.string().trim().min(1, 'must not be empty').max(300),
  description: z
    .string()
    .trim()
    .min(1, 'must not be empty: say what the work is for, in a sentence or more')
    .max(maxDescriptionLength),
  objective: Objective.default('other'),
  client: Client.optional(),
  offer: z
    .strictObject({
      what: z.string().max(500),
      price: Money.optional(),
      url: z.url().optional(),
      valid_until: IsoDate.optional(),
    })
    .optional(),
  audience_hint: z.string().max(2000).optional(),
  competitors: z.array(Domain).max(8).default([]),
  markets: z
    .array(z.strictObject({ country: z.string().length(2), language: z.string().min(2).max(5) }))
    .max(20)
    .default([]),
  budget: Money.extend({ period: z.enum(['total', 'month', 'week']).default('total') }).optional(),
  channels: z.array(z.string().max(40)).max(20).default([]),
  dates: z.strictObject({ start: IsoDate, end: IsoDate }).optional(),
  attachments: z.array(Attachment).max(20).default([]),
  limits: z
    .strictObject({
      max_cost_usd: z.number().positive().optional(),
      max_minutes: z.number().positive().optional(),
    })
    .optional(),
});
export type Brief = z.infer<typeof Brief>;
