// Drafts the art director's output by rules: concepts in the brand's colours, images planned for each placement.
import { drafted } from '../drafted.ts';
import type { OutputFacts } from '../kind.ts';
import { createLedger } from '../ledger.ts';
import { platformSpecs } from '../platform-specs.ts';
import { type Subject, subjectOf } from '../subject.ts';
import { assumedLosses, usesOf } from '../upstream.ts';
import { capital } from '../wording.ts';
import { brandColours } from './checks.ts';
import { contrastRatio, readableOn } from './contrast.ts';
import { draftImages } from './draft-images.ts';
import { upstreamReferences } from './references.ts';
import { type PixelData, PixelOutput } from './schema.ts';

export function draftPixel(facts: OutputFacts): PixelOutput {
  const subject = subjectOf(facts);
  const ledger = createLedger();
  const colours = brandColours(facts);
  if (facts.brief.client?.brand !== undefined && colours.length > 0) {
    ledger.add({ claim: `The brand's colours are ${colours.join(', ')}.`, kind: 'brief' });
  }
  const data = draftData(subject, colours);
  for (const { text_hex: text, background_hex: background, contrast } of data.images) {
    ledger.add({
      claim: `${text} on ${background} has a contrast ratio of ${contrast}.`,
      kind: 'calc',
      value: contrast,
    });
  }

  return PixelOutput.parse(
    drafted(facts, {
      agent: 'pixel',
      summary: `${data.concepts.length} visual concepts for ${subject.topic} and ${data.images.length} planned images with sizes, texts and contrast, drafted by rules from the brief.`,
      data,
      evidence: ledger.all(),
      uses: usesOf(upstreamReferences(data)),
      assumptions: [
        ...assumedLosses(facts, {
          vision: 'concepts name no pillar',
          echo: 'images carry headlines of this draft’s own',
        }),
        'The images are planned, not made: no picture file belongs to this output.',
        ...(colours.length === 0
          ? ['The brief names no brand colours; the colours are neutral stand-ins.']
          : []),
      ],
      openQuestions: [
        'Is there a logo as a vector file, and how much room has to stay free around it?',
        'Which pictures does the client hold rights to?',
        ...(colours.length === 0 ? ['What are the brand’s colours?'] : []),
      ],
    }),
  );
}

export type Palette = { background: string; text: string; accent: string };

// Dark slate, paper and a calm blue: plain enough to be told from a brand's own colours.
const standIns = ['#1f2933', '#f5f5f0', '#2f5d8a'];

/** A palette for each concept: its background changes, its text can always be read. */
function paletteOf(colours: string[], index: number): Palette {
  const known = colours.length === 0 ? standIns : colours;
  const background = known[index % known.length] ?? '#ffffff';
  const readable = known.find((hex) => contrastRatio(hex, background) >= 4.5);
  const accent = known.find((hex) => hex !== background && hex !== readable);
  const text = readable ?? readableOn(background);

  return { background, text, accent: accent ?? text };
}

function draftData(subject: Subject, colours: string[]): PixelData {
  const { pen, topic, brief, disclaimers } = subject;
  const [heading = 'A plain sans serif', body] = subject.upstream.vision.brand.visual.fonts.concat(
    brief.client?.brand?.fonts ?? [],
  );
  const type = {
    heading: pen.write(heading, { max: 80 }),
    body: pen.write(body ?? heading, { max: 80 }),
  };
  const concepts = draftConcepts(subject, { colours, type });
  const palettes = concepts.map((_, index) => paletteOf(colours, index));
  const first = paletteOf(colours, 0);

  return {
    concepts,
    images: draftImages(subject, concepts, palettes),
    prompts: concepts.map((concept, index) => ({
      id: `R${index + 1}`,
      prompt: pen.write(
        `Background for an advert about ${topic}. ${concept.composition} Mood: ${concept.mood} Colours: ${concept.palette.map(({ hex }) => hex).join(', ')}. Leave the middle third calm, for text is set on it later.`,
        { max: 1500 },
      ),
      negative: 'text, letters, logos, watermarks, hands with too many fingers, real persons',
      aspect: ['1:1', '9:16', '16:9'][index % 3] ?? '1:1',
      use: pen.write(`Background of ${concept.name}`, { max: 160 }),
    })),
    specs: platformSpecs().placements.map((spec) => ({
      platform: spec.platform,
      placement: spec.id,
      width: spec.width,
      height: spec.height,
      max_bytes: spec.max_bytes,
      safe_zone: spec.safe_zone ?? null,
    })),
    wireframe: wireframeOf(subject),
    tokens: {
      color: Object.entries(first).map(([role, hex]) => ({ role, hex })),
      type,
      space: [4, 8, 16, 24, 40, 64],
    },
    disclaimers,
  };
}

const ideas = [
  {
    name: 'In everyday use',
    composition: 'One object in use, close, with daylight from the side.',
    mood: 'Calm, close, unposed.',
    why: 'Shows what it is before anybody has to read.',
  },
  {
    name: 'Words first',
    composition: 'A plain field of colour, the headline large, nothing else.',
    mood: 'Clear and sure of itself.',
    why: 'Works at the smallest size and needs no photograph.',
  },
  {
    name: 'Before and after',
    composition: 'The frame is split in two halves that differ in one thing only.',
    mood: 'Honest, a little playful.',
    why: 'Lets viewers see the difference and judge for themselves.',
  },
];

type Look = { colours: string[]; type: PixelData['tokens']['type'] };

function draftConcepts({ pen, upstream }: Subject, { colours, type }: Look): PixelData['concepts'] {
  const { pillars } = upstream.vision;
  const names = pen.pick(
    ideas.length,
    ideas.map(({ name }) => name),
    (name, chosen) => !chosen.includes(name),
  );
  const compositions = pen.pick(
    ideas.length,
    ideas.map(({ composition }) => composition),
    (text, chosen) => ![...chosen, ...names].includes(text),
  );

  return ideas.map((idea, index) => {
    const { background, text, accent } = paletteOf(colours, index);
    return {
      id: `D${index + 1}`,
      name: names[index] ?? idea.name,
      why: pen.write(idea.why, { max: 200 }),
      pillar_id: pillars[index % Math.max(1, pillars.length)]?.id ?? null,
      mood: pen.write(idea.mood, { max: 120 }),
      composition: compositions[index] ?? idea.composition,
      palette: [
        { hex: background, role: 'background' as const },
        { hex: text, role: 'text' as const },
        { hex: accent, role: 'accent' as const },
      ],
      type,
    };
  });
}

function wireframeOf({ pen, topic, ctas }: Subject): PixelData['wireframe'] {
  const cta = ctas[0]?.text ?? topic;
  const sections = [
    { name: 'Top of the page', elements: [capital(topic), 'One sentence on what it is', cta] },
    { name: 'What it is', elements: ['Picture in use', 'Three short points'] },
    { name: 'Questions', elements: ['Four questions with answers'] },
    { name: 'Next step', elements: [cta, 'What happens after it'] },
  ];

  return {
    sections: sections.map(({ name, elements }) => ({
      name: pen.write(name, { max: 80 }),
      elements: elements.map((element) => pen.write(element, { max: 120 })),
    })),
  };
}
