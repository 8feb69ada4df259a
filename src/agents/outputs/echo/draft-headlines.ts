// Drafts angles and headlines by rules.
import { similarity } from '../similarity.ts';
import type { Subject } from '../subject.ts';
import { capital } from '../wording.ts';
import type { EchoData } from './schema.ts';

type Angle = EchoData['angles'][number];
type Headline = EchoData['headlines'][number];

const angleCount = 4;

export function draftAngles(subject: Subject): Angle[] {
  const { pen, upstream } = subject;
  const { audiences, pillars } = upstream.vision;
  const names = pen.pick(angleCount, angleNames(subject), (name, chosen) => isUnlike(name, chosen));
  const insights = pen.pick(angleCount, angleInsights(subject), (insight, chosen) =>
    isUnlike(insight, chosen),
  );

  return names.map((name, index) => ({
    id: `N${index + 1}`,
    name,
    audience_id: audiences[index % Math.max(1, audiences.length)]?.id ?? null,
    pillar_id: pillars[index % Math.max(1, pillars.length)]?.id ?? null,
    insight: insights[index] ?? name,
  }));
}

function angleNames({ upstream, pen }: Subject): string[] {
  const { pillars } = upstream.vision;

  return [
    ...pillars.map(({ title }) => pen.write(title, { max: 80 })),
    'The everyday problem',
    'What changes with it',
    'How it works, step by step',
    'Why decide now',
    'Doubts, answered openly',
    'From the reader’s own words',
  ];
}

function angleInsights({ upstream, pen, topic, plainSentences, audience }: Subject): string[] {
  const { pillars, audiences } = upstream.vision;
  const pains = audiences.map(({ pains: [pain = ''] }) => pain);
  const told = [...pillars.map(({ message }) => message), ...pains, ...plainSentences.slice(0, 3)];

  return [
    ...told.filter((text) => text !== '').map((text) => pen.write(text, { max: 240 })),
    `${capital(audience ?? 'readers')} want to know what ${topic} solves before the details.`,
    'A clear before and after says more than a list of features.',
    'People act when the first step is small and the reason is plain.',
    'Questions that stay open keep a careful buyer from deciding.',
  ];
}

const headlineCount = 8;

/** Headlines unlike one another; the first three hold Apex's keywords, where it gave any that fit. */
export function draftHeadlines(subject: Subject, angles: Angle[], keywords: string[]): Headline[] {
  const { pen, upstream } = subject;
  const withKeyword =
    keywords.length === 0 ? [] : pen.pick(3, keywordHeadlines(keywords), isUnlike);
  const others = pen.pick(
    headlineCount - withKeyword.length,
    topicHeadlines(subject)
      .filter((text) => text !== '')
      .map((text) => pen.write(text, { max: 90 })),
    (text, chosen) => isUnlike(text, [...withKeyword, ...chosen]),
  );

  return [...withKeyword, ...others].map((text, index) => {
    const keyword = keywords.find((term) => text.toLowerCase().includes(term));
    const known = upstream.apex.keywords.find(({ term }) => term.toLowerCase() === keyword);
    return {
      id: `H${index + 1}`,
      text,
      angle_id: angles[index % angles.length]?.id ?? 'N1',
      keyword_id: known?.id ?? null,
      kpi_id: upstream.nova.kpis[0]?.id ?? null,
    };
  });
}

function isUnlike(text: string, others: string[]): boolean {
  return others.every((other) => similarity(text, other) < 0.6);
}

// The words around a keyword are long enough that three headlines with the same one still differ.
// The last three are for clients who ban common words.
function keywordHeadlines(keywords: string[]): string[] {
  const frames = [
    (term: string) => `${capital(term)}: what to look for, in plain words`,
    (term: string) => `Three questions to ask before you decide on ${term}`,
    (term: string) => `How ${term} works from the first step to the result`,
    (term: string) => `${capital(term)} explained without any jargon or fine print`,
    (term: string) => `Planning ahead? Begin with an honest view of ${term}`,
    (term: string) => `${capital(term)} Highlights Background Questions`,
    (term: string) => `Compass Anchor Bridge ${term}`,
    (term: string) => `Kettle ${term} Meadow Orchard Quartz`,
  ];

  return frames.map((frame, index) => frame(keywords[index % keywords.length] ?? ''));
}

function topicHeadlines({ topic, name, audience, brief, phrases, offer }: Subject): string[] {
  const price = brief.offer?.price;
  const until = brief.offer?.valid_until;

  return [
    name === null ? '' : `Meet ${topic} by ${name}`,
    price === undefined ? '' : `${capital(topic)} for ${price.amount} ${price.currency}`,
    until === undefined ? '' : `${capital(topic)}: on offer until ${until}`,
    audience === null ? '' : `What ${audience} should know first`,
    offer,
    `${capital(topic)}: how it works and who it is for`,
    `Is ${topic} right for you? Four honest questions`,
    'Start small, see the difference, then decide',
    'What changes when the everyday problem is gone',
    ...phrases.slice(0, 4).map((phrase) => `${capital(phrase)}, step by step`),
    'The details, told plainly',
    'Your questions come before our answers',
    'One clear next step for today',
  ];
}
