// Drafts adverts by rules: responsive search ads, Meta and LinkedIn.
import { columns } from '../lengths.ts';
import { platformSpecs } from '../platform-specs.ts';
import { similarity } from '../similarity.ts';
import type { Subject } from '../subject.ts';
import { capital, titleCase } from '../wording.ts';
import { calm, loudWords } from './loud-words.ts';
import type { EchoData } from './schema.ts';

type Rsa = EchoData['rsa'][number];
type Angle = EchoData['angles'][number];

/** One advert for each of Apex's ad groups, or one for the whole brief. */
export function draftRsa(subject: Subject, keywords: string[]): Rsa[] {
  const { adGroups } = subject.upstream.apex;
  const groups = adGroups.length === 0 ? [null] : adGroups.slice(0, 10);

  return groups.map((group) => {
    const landing = group?.landing_url ?? null;
    return {
      ad_group_id: group?.id ?? null,
      headlines: rsaHeadlines(subject, [group?.name ?? '', ...keywords]).map((text) => ({ text })),
      descriptions: rsaDescriptions(subject).map((text) => ({ text })),
      ...displayPath(subject),
      final_url: isWebAddress(landing) ? landing : subject.link,
    };
  });
}

function isWebAddress(address: string | null): address is string {
  return address !== null && /^https?:\/\//i.test(address) && URL.canParse(address);
}

function rsaHeadlines(subject: Subject, terms: string[]): string[] {
  const { pen, topic, name, phrases, brief, ctas } = subject;
  const price = brief.offer?.price;
  const candidates = [
    ...terms.slice(0, 6).map(titleCase),
    titleCase(topic),
    name ?? '',
    ...ctas.map(({ text }) => titleCase(text)),
    price === undefined ? '' : `Price: ${price.amount} ${price.currency}`,
    'See What Is Included',
    'Plain Answers, No Jargon',
    'Decide at Your Own Pace',
    'Compare Before You Choose',
    ...phrases.slice(0, 5).map(titleCase),
  ];

  return pen.pick(10, candidates.map(quiet), (text, chosen) => {
    const fits = columns(text) <= platformSpecs().google_ads.headline.max;
    const isQuiet = loudWords('')(text).length === 0;
    return fits && isQuiet && chosen.every((other) => similarity(text, other) < 0.6);
  });
}

function rsaDescriptions(subject: Subject): string[] {
  const { pen, topic, offer, plainSentences } = subject;
  const { max } = platformSpecs().google_ads.description;
  const candidates = [
    offer,
    ...plainSentences.slice(0, 2),
    `See what ${topic} is, who it suits and how to start. Ask us anything first.`,
    'Compare it with what you do today, then decide in your own time.',
    'One clear page with every detail you need before you decide.',
  ];
  const texts = candidates.map((text) => pen.write(quiet(text), { max, measure: columns }));

  return pen.pick(4, texts, (text, chosen) =>
    chosen.every((other) => similarity(text, other) < 0.8),
  );
}

// Google refuses exclamation marks in headlines and words in capitals anywhere.
function quiet(text: string): string {
  return calm(text.replace(/[!！]+/g, '.').replace(/\.\s*$/, '')).trim();
}

function displayPath({ pen, topic }: Subject): Pick<Rsa, 'path1' | 'path2'> {
  const { max } = platformSpecs().google_ads.path;
  const [first = '', second = ''] = topic.toLowerCase().split(/[\s/]+/);
  const part = (text: string) =>
    text !== '' && pen.isClean(text) && columns(text) <= max ? { text } : null;
  const path1 = part(first);
  const path2 = path1 === null ? null : part(second);

  return { path1: path1?.text ?? null, path2: path2?.text ?? null };
}

export function draftMeta(subject: Subject, angles: Angle[]): EchoData['meta'] {
  const { pen, topic, pitch, ctas } = subject;
  const specs = platformSpecs().meta_ads;

  return angles.slice(0, 3).map((angle, index) => ({
    id: `F${index + 1}`,
    primary_text: pen.write(index === 0 ? pitch : angle.insight, {
      max: specs.primary_text.advised,
    }),
    headline: pen.write(`${capital(topic)}: ${angle.name}`, { max: specs.headline.advised }),
    description: pen.write(`What ${topic} is about`, { max: specs.description.advised }),
    cta: ctas[index % ctas.length]?.text ?? angle.name,
    angle_id: angle.id,
    audience_id: angle.audience_id,
  }));
}

export function draftLinkedin(subject: Subject, angles: Angle[]): EchoData['linkedin'] {
  const { pen, topic, pitch, ctas } = subject;
  const specs = platformSpecs().linkedin_ads;

  return angles.slice(0, 2).map((angle, index) => ({
    id: `L${index + 1}`,
    intro: pen.write(index === 0 ? angle.insight : pitch, { max: specs.intro.advised }),
    headline: pen.write(`${capital(topic)}: ${angle.name}`, { max: specs.headline.advised }),
    description: pen.write(`See what ${topic} is and who it suits.`, {
      max: specs.description.advised,
    }),
    cta: ctas[index % ctas.length]?.text ?? angle.name,
  }));
}
