// The art director's mechanical checks: sizes, contrast, safe zones, alt texts, palette, references.
import type { Check } from '../../../core/output.ts';
import { type Fault, repeatedIds, rule } from '../envelope-checks.ts';
import { placed, repeated, tooAlike } from '../faults.ts';
import type { OutputFacts } from '../kind.ts';
import { graphemes } from '../lengths.ts';
import { platformSpecs } from '../platform-specs.ts';
import { readUpstream, referenceChecks } from '../upstream.ts';
import { contrastRatio } from './contrast.ts';
import { upstreamReferences } from './references.ts';
import type { PixelData, PixelOutput, PlannedImage } from './schema.ts';

/** Every check on an art director's output beyond its schema and the checks shared by all agents. Pure. */
export function checkPixel(output: PixelOutput, facts: OutputFacts): Check[] {
  const { data } = output;

  return [
    ...(['concepts', 'images', 'prompts'] as const).flatMap((list) =>
      repeatedIds(
        data[list].map(({ id }) => id),
        `data.${list}`,
      ),
    ),
    ...referenceChecks(upstreamReferences(data), facts),
    ...ownReferenceChecks(data),
    ...sizeChecks(data),
    ...contrastChecks(data.images),
    ...boxChecks(data.images),
    ...altChecks(data.images),
    ...headlineChecks(data.images, facts),
    ...paletteChecks(data, facts),
    ...conceptChecks(data),
  ];
}

function perImage(
  images: PlannedImage[],
  find: (image: PlannedImage) => { field: string; measured: string | number; limit?: string }[],
): Fault[] {
  return images.flatMap((image, index) =>
    find(image).map(({ field, ...fault }) => ({
      path: `data.images[${index}].${field}`,
      ...fault,
    })),
  );
}

function ownReferenceChecks({ concepts, images, prompts }: PixelData): Check[] {
  const conceptIds = concepts.map(({ id }) => id);
  const promptIds = prompts.map(({ id }) => id);
  const faults = perImage(images, ({ concept_id: concept, prompt_id: prompt }) => [
    ...(conceptIds.includes(concept)
      ? []
      : [{ field: 'concept_id', measured: concept, limit: `one of: ${conceptIds.join(', ')}` }]),
    ...(prompt === null || promptIds.includes(prompt)
      ? []
      : [{ field: 'prompt_id', measured: prompt, limit: `one of: ${promptIds.join(', ')}` }]),
  ]);

  return rule(
    {
      id: 'pixel.own_reference',
      path: 'data.images',
      limit: 'a concept and a prompt of this output',
    },
    faults,
  );
}

function sizeChecks({ images, specs }: PixelData): Check[] {
  const { placements } = platformSpecs();
  const known = placements.map(({ id }) => id).join(', ');
  const sizeFault = (item: { placement: string; width: number; height: number }) => {
    const spec = placements.find(({ id }) => id === item.placement);
    if (spec === undefined) return { measured: item.placement, limit: `one of: ${known}` };
    return item.width === spec.width && item.height === spec.height
      ? null
      : {
          measured: `${item.width}x${item.height}`,
          limit: `${spec.width}x${spec.height} for ${spec.id}`,
        };
  };
  const wrong = (path: string, items: { placement: string; width: number; height: number }[]) =>
    items.flatMap((item, index) => {
      const fault = sizeFault(item);
      return fault === null ? [] : [{ path: `${path}[${index}]`, ...fault }];
    });
  const heavy = perImage(images, ({ placement, bytes }) => {
    const max = placements.find(({ id }) => id === placement)?.max_bytes;
    return bytes === undefined || max === undefined || bytes <= max
      ? []
      : [{ field: 'bytes', measured: bytes, limit: `${max} for ${placement}` }];
  });

  return [
    ...rule({ id: 'pixel.size', path: 'data.images', limit: 'the size of the placement' }, [
      ...wrong('data.images', images),
      ...wrong('data.specs', specs),
    ]),
    ...rule({ id: 'pixel.bytes', path: 'data.images', limit: 'what the placement takes' }, heavy),
  ];
}

function contrastChecks(images: PlannedImage[]): Check[] {
  const wrong = perImage(images, (image) => {
    const actual = contrastRatio(image.text_hex, image.background_hex);
    return Math.abs(actual - image.contrast) <= 0.1
      ? []
      : [{ field: 'contrast', measured: image.contrast, limit: `${actual} as computed` }];
  });
  const weak = perImage(images, (image) => {
    const actual = contrastRatio(image.text_hex, image.background_hex);
    // Large text may have less: 32 px at 1080 wide, as the strictest reading has it.
    const smallest = Math.min(...image.text_boxes.map(({ px }) => px), Infinity);
    const isLarge = image.text_boxes.length > 0 && (smallest * 1080) / image.width >= 32;
    const least = isLarge ? 3 : 4.5;
    return actual >= least
      ? []
      : [{ field: 'text_hex', measured: actual, limit: `${least} at least on the background` }];
  });

  return [
    ...rule(
      { id: 'pixel.contrast_value', path: 'data.images', limit: 'the computed ratio' },
      wrong,
    ),
    ...rule({ id: 'pixel.contrast', path: 'data.images', limit: '4.5, or 3 for large text' }, weak),
  ];
}

function boxChecks(images: PlannedImage[]): Check[] {
  const outside = perImage(images, (image) => {
    const zone = platformSpecs().placements.find(({ id }) => id === image.placement)?.safe_zone;
    const top = (image.height * (zone?.top_pct ?? 0)) / 100;
    const bottom = image.height - (image.height * (zone?.bottom_pct ?? 0)) / 100;
    return image.text_boxes.flatMap(({ x, y, w, h }, index) =>
      x + w <= image.width && y >= top && y + h <= bottom
        ? []
        : [
            {
              field: `text_boxes[${index}]`,
              measured: `x ${x} to ${x + w}, y ${y} to ${y + h}`,
              limit: `x 0 to ${image.width}, y ${Math.ceil(top)} to ${Math.floor(bottom)}`,
            },
          ],
    );
  });
  const tiny = perImage(images, (image) =>
    image.text_boxes.flatMap(({ px }, index) => {
      const least = Math.round((24 * image.width) / 1080);
      return px >= least
        ? []
        : [{ field: `text_boxes[${index}].px`, measured: px, limit: `${least} at least` }];
    }),
  );

  return [
    ...rule(
      { id: 'pixel.safe_zone', path: 'data.images', limit: 'text in the safe zone' },
      outside,
    ),
    ...rule({ id: 'pixel.font_size', path: 'data.images', limit: '24 px at 1080 wide' }, tiny),
  ];
}

function altChecks(images: PlannedImage[]): Check[] {
  const faults = perImage(images, ({ alt }) => {
    const length = graphemes(alt);
    if (length < 5 || length > 125) return [{ field: 'alt', measured: `${length} characters` }];
    return /^(?:an? |the )?(?:image|picture|photo(?:graph)?|graphic) of\b/i.test(alt)
      ? [{ field: 'alt', measured: `starts "${alt.slice(0, 20)}"` }]
      : [];
  });

  return rule(
    {
      id: 'pixel.alt',
      path: 'data.images',
      limit: '5 to 125 characters that say what is seen, not starting "image of"',
    },
    faults,
  );
}

function headlineChecks(images: PlannedImage[], facts: OutputFacts): Check[] {
  const { headlines } = readUpstream(facts).echo;
  const faults = perImage(images, ({ headline_id: id, headline }) => {
    const text = headlines.find((item) => item.id === id)?.text;
    return text === undefined || flat(text) === flat(headline)
      ? []
      : [{ field: 'headline', measured: headline.slice(0, 80), limit: `"${text}", as in ${id}` }];
  });

  return rule(
    { id: 'pixel.headline', path: 'data.images', limit: 'the words of the headline it names' },
    faults,
  );
}

function flat(text: string): string {
  return text.normalize('NFC').replace(/\s+/g, ' ').trim();
}

// Black and white go with every brand.
const neutral = ['#000000', '#ffffff'];

function paletteChecks({ concepts, images, tokens }: PixelData, facts: OutputFacts): Check[] {
  const allowed = brandColours(facts);
  if (allowed.length === 0) return [];

  const used = [
    ...concepts.flatMap(({ palette }, index) =>
      palette.map(({ hex }, position) => ({
        path: `data.concepts[${index}].palette[${position}].hex`,
        hex,
      })),
    ),
    ...images.flatMap((image, index) => [
      { path: `data.images[${index}].text_hex`, hex: image.text_hex },
      { path: `data.images[${index}].background_hex`, hex: image.background_hex },
    ]),
    ...tokens.color.map(({ hex }, index) => ({ path: `data.tokens.color[${index}].hex`, hex })),
  ];
  const faults = used
    .filter(({ hex }) => ![...allowed, ...neutral].includes(hex.toLowerCase()))
    .map(({ path, hex }) => ({ path, measured: hex }));

  return rule(
    {
      id: 'pixel.palette',
      path: 'data',
      limit: `colours of the brand, black or white: ${allowed.join(', ')}`,
    },
    faults,
  );
}

/** The brand's colours in lower case: the brief's, and those that Vision found. */
export function brandColours(facts: OutputFacts): string[] {
  const told = facts.brief.client?.brand?.colors ?? [];
  const found = readUpstream(facts).vision.brand.visual.colors.map(({ hex }) => hex);
  const colours = [...told, ...found].map((hex) => hex.toLowerCase());

  return [...new Set(colours.filter((hex) => /^#[0-9a-f]{6}$/.test(hex)))];
}

function conceptChecks({ concepts }: PixelData): Check[] {
  const names = placed('data.concepts', concepts, ({ name }) => ({ field: '.name', text: name }));
  const ideas = placed('data.concepts', concepts, ({ name, composition }) => ({
    field: '',
    text: `${name} ${composition}`,
  }));

  return rule(
    { id: 'pixel.concepts', path: 'data.concepts', limit: 'own name; less than 0.8 alike' },
    [...repeated(names), ...tooAlike(ideas, 0.8)],
  );
}
