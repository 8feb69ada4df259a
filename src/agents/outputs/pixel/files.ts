// The art director's files: creative brief, sizes, images, tokens, prompts.
import type { DeliverableFile } from '../../../core/run.ts';
import {
  byRulesLine,
  closingSections,
  disclaimerSections,
  document,
  draftedBy,
  outputJson,
  type Section,
  sheet,
} from '../files.ts';
import type { FileContext } from '../kind.ts';
import type { PixelData, PixelOutput } from './schema.ts';

export function pixelFiles(output: PixelOutput, about: FileContext): DeliverableFile[] {
  const { data } = output;

  return [
    creativeBrief(output, about),
    promptsDocument(data, about),
    specSheet(data, about),
    imageSheet(data, about),
    tokensFile(data, about),
    outputJson(output, about),
  ];
}

function creativeBrief(output: PixelOutput, about: FileContext): DeliverableFile {
  const { concepts, images, wireframe, tokens, disclaimers } = output.data;
  const sections: Section[] = [
    { heading: 'Summary', body: output.summary },
    ...concepts.map(conceptSection),
    {
      heading: 'Planned images',
      body: 'Text is set by our own renderer, so that every word is exact. The contrast is computed from the colours.',
      table: {
        columns: [
          'Id',
          'Placement',
          'Size',
          'Concept',
          'Headline',
          'Button',
          'Contrast',
          'Alt text',
        ],
        rows: images.map((image) => [
          image.id,
          image.placement,
          `${image.width} x ${image.height}`,
          image.concept_id,
          image.headline_id === null ? image.headline : `${image.headline} (${image.headline_id})`,
          image.cta_text,
          image.contrast,
          image.alt,
        ]),
      },
    },
    ...(wireframe === null
      ? []
      : [
          {
            heading: 'Wireframe of the landing page',
            list: wireframe.sections.map(({ name, elements }) => `${name}: ${elements.join('; ')}`),
          },
        ]),
    {
      heading: 'Design tokens',
      body: `Headings are set in ${tokens.type.heading}, text in ${tokens.type.body}. Distances are ${tokens.space.join(', ')} pixels.`,
      table: {
        columns: ['Colour', 'Value'],
        rows: tokens.color.map(({ role, hex }) => [role, hex]),
      },
    },
    ...disclaimerSections(disclaimers),
    ...closingSections(output),
  ];

  return document({ name: 'creative-brief.md', title: 'Creative brief', about, sections });
}

function conceptSection(concept: PixelData['concepts'][number]): Section {
  return {
    heading: `Concept ${concept.id}: ${concept.name}`,
    list: [
      `Why: ${concept.why}`,
      `Composition: ${concept.composition}`,
      `Mood: ${concept.mood}`,
      `Type: ${concept.type.heading} and ${concept.type.body}`,
      `Pillar: ${concept.pillar_id ?? 'none was handed over'}`,
      `Palette: ${concept.palette.map(({ hex, role }) => `${role} ${hex}`).join(', ')}`,
    ],
  };
}

function promptsDocument({ prompts }: PixelData, about: FileContext): DeliverableFile {
  const sections = prompts.map((item) => ({
    heading: `${item.id}: ${item.use}`,
    list: [
      `Prompt: ${item.prompt}`,
      `Keep out: ${item.negative ?? 'nothing named'}`,
      `Aspect: ${item.aspect}`,
    ],
  }));

  return document({ name: 'prompts.md', title: 'Image prompts', about, sections });
}

function specSheet({ specs }: PixelData, about: FileContext): DeliverableFile {
  return sheet({
    name: 'ad-specs.csv',
    title: 'Sizes and limits',
    about,
    columns: [
      'platform',
      'placement',
      'width',
      'height',
      'max_bytes',
      'keep_clear_top_pct',
      'keep_clear_bottom_pct',
    ],
    rows: specs.map((spec) => [
      spec.platform,
      spec.placement,
      spec.width,
      spec.height,
      spec.max_bytes,
      spec.safe_zone?.top_pct ?? 0,
      spec.safe_zone?.bottom_pct ?? 0,
    ]),
  });
}

function imageSheet({ images }: PixelData, about: FileContext): DeliverableFile {
  return sheet({
    name: 'pixel-images.csv',
    title: 'Planned images',
    about,
    columns: [
      'id',
      'concept_id',
      'placement',
      'width',
      'height',
      'format',
      'headline_id',
      'headline',
      'cta',
      'text_hex',
      'background_hex',
      'contrast',
      'alt',
      'method',
      'prompt_id',
    ],
    rows: images.map((image) => [
      image.id,
      image.concept_id,
      image.placement,
      image.width,
      image.height,
      image.format,
      image.headline_id,
      image.headline,
      image.cta_text,
      image.text_hex,
      image.background_hex,
      image.contrast,
      image.alt,
      image.method,
      image.prompt_id,
    ]),
  });
}

// In the shape of the Design Tokens Community Group's format, which design tools read.
function tokensFile({ tokens }: PixelData, about: FileContext): DeliverableFile {
  const colours = tokens.color.map(({ role, hex }) => [role, { $value: hex }]);
  const space = tokens.space.map((value, index) => [
    `space-${index + 1}`,
    { $value: { value, unit: 'px' } },
  ]);
  const content = {
    $description: about.byRules ? byRulesLine : `Drafted by ${draftedBy(about)}.`,
    color: { $type: 'color', ...Object.fromEntries(colours) },
    font: {
      $type: 'fontFamily',
      heading: { $value: tokens.type.heading },
      body: { $value: tokens.type.body },
    },
    space: { $type: 'dimension', ...Object.fromEntries(space) },
  };

  return {
    name: 'design-tokens.json',
    kind: 'json',
    mediaType: 'application/json',
    title: 'Design tokens',
    content: `${JSON.stringify(content, null, 2)}\n`,
  };
}
