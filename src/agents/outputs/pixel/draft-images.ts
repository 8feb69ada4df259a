// Plans one image for each placement: its words, where they stand, and in which colours.
import { graphemes } from '../lengths.ts';
import { type PlacementSpec, platformSpecs } from '../platform-specs.ts';
import type { Subject } from '../subject.ts';
import { capital } from '../wording.ts';
import { contrastRatio } from './contrast.ts';
import type { Palette } from './draft.ts';
import type { PixelData, PlannedImage } from './schema.ts';

export function draftImages(
  subject: Subject,
  concepts: PixelData['concepts'],
  palettes: Palette[],
): PlannedImage[] {
  const { pen, topic } = subject;
  const headlines = headlinesOf(subject);

  return platformSpecs().placements.map((spec, index) => {
    const turn = index % concepts.length;
    const concept = concepts[turn];
    const { text, background } = palettes[turn] ?? { text: '#000000', background: '#ffffff' };
    const words = headlines[index % headlines.length] ?? { id: null, text: topic };
    const cta = subject.ctas[index % subject.ctas.length]?.text ?? topic;
    return {
      id: `I${index + 1}`,
      concept_id: concept?.id ?? 'D1',
      placement: spec.id,
      width: spec.width,
      height: spec.height,
      format: 'png',
      headline_id: words.id,
      headline: words.text,
      cta_text: cta,
      text_boxes: textBoxes(spec, words.text, cta),
      text_hex: text,
      background_hex: background,
      contrast: contrastRatio(text, background),
      alt: pen.write(
        `${concept?.name ?? capital(topic)}: ${topic}, with the words "${words.text}"`,
        {
          min: 5,
          max: 125,
        },
      ),
      method: 'planned',
      prompt_id: `R${turn + 1}`,
    };
  });
}

/** Echo's headlines that can be printed as they are, else headlines of our own. */
function headlinesOf({ pen, upstream, topic, name, pitch }: Subject) {
  const handed = upstream.echo.headlines
    .map(({ id, text }) => ({ id, text: text.normalize('NFC').trim() }))
    .filter(({ text }) => text !== '' && graphemes(text) <= 90 && pen.isClean(text));
  if (handed.length > 0) return handed;

  const own = [
    capital(topic),
    name === null ? `What ${topic} is` : `${capital(topic)} by ${name}`,
    pitch,
  ];
  return own.map((text) => ({ id: null, text: pen.write(text, { max: 80 }) }));
}

// The headline stands in the upper half of the safe zone, the call to action under it.
function textBoxes(spec: PlacementSpec, headline: string, cta: string): PlannedImage['text_boxes'] {
  const { width, height, safe_zone: zone } = spec;
  const top = Math.ceil((height * (zone?.top_pct ?? 6)) / 100);
  const bottom = Math.floor(height - (height * (zone?.bottom_pct ?? 6)) / 100);
  const x = Math.round(width * 0.08);
  const w = width - 2 * x;
  const room = bottom - top;
  const headlinePx = Math.round((width * (graphemes(headline) > 40 ? 52 : 72)) / 1080);

  return [
    { text: headline, x, y: top, w, h: Math.floor(room * 0.6), px: headlinePx },
    {
      text: cta,
      x,
      y: top + Math.floor(room * 0.7),
      w,
      h: Math.floor(room * 0.2),
      px: Math.round((width * 36) / 1080),
    },
  ];
}
