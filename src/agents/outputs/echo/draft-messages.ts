// Drafts e-mails, text messages and the landing page by rules.
import { platformSpecs } from '../platform-specs.ts';
import type { Subject } from '../subject.ts';
import { capital } from '../wording.ts';
import { segmentLength } from './message-checks.ts';
import type { EchoData } from './schema.ts';

type Email = EchoData['emails'][number];

export function draftEmails(subject: Subject): Email[] {
  const { topic, name, ctas, link } = subject;
  const sender = name ?? 'We';
  const plans = [
    {
      day: 0,
      goal: 'Introduce the offer',
      subject: `${capital(topic)}: what it is and who it is for`,
      preheader: 'A short introduction, with the details one tap away.',
      opening: `${sender} would like to introduce ${topic}.`,
    },
    {
      day: 3,
      goal: 'Answer the questions that keep readers from deciding',
      subject: `Your questions about ${topic}`,
      preheader: 'The answers that readers ask for first, in plain words.',
      opening: `Before you decide on ${topic}, a few plain answers.`,
    },
    {
      day: 7,
      goal: 'Ask for the next step',
      subject: `${capital(topic)}: one next step`,
      preheader: 'If it fits what you are looking for, this is how to begin.',
      opening: `If ${topic} fits what you are looking for, the next step is short.`,
    },
  ];

  return plans.map((plan, index) => {
    const cta = ctas[(index + 2) % ctas.length]?.text ?? plan.goal;
    return emailOf(subject, { ...plan, cta, url: link, part: index });
  });
}

type EmailPlan = {
  day: number;
  goal: string;
  subject: string;
  preheader: string;
  opening: string;
  cta: string;
  url: string | null;
  part: number;
};

function emailOf({ pen, pitch, plainSentences }: Subject, plan: EmailPlan): Email {
  const specs = platformSpecs().email;
  const own = plainSentences.slice(plan.part * 2, plan.part * 2 + 2);
  const paragraphs = [plan.opening, ...(own.length === 0 ? [pitch] : own), `${plan.cta}.`];

  return {
    day: plan.day,
    goal: pen.write(plan.goal, { max: 120 }),
    subject: pen.write(plan.subject, { max: specs.subject.advised }),
    preheader: pen.write(plan.preheader, specs.preheader),
    body_md: pen.writeLines(paragraphs.map((text) => cut(text, 600)).join('\n\n'), { max: 3000 }),
    cta: { label: plan.cta, url: plan.url },
  };
}

/** One text message where the brief asks for the channel. */
export function draftSms({ brief, pen, topic, name, offer, link }: Subject): EchoData['sms'] {
  if (!brief.channels.some((channel) => /sms|text message/i.test(channel))) return [];

  const start = name === null ? capital(topic) : `${name}: ${topic}`;
  const ending = link !== null && pen.isClean(link) && link.length < 45 ? ` ${link}` : '';
  const max = segmentLength(start + offer + ending) - ending.length;
  const text = pen.write(`${start}. ${offer}`, { max, measure: (measured) => measured.length });

  return [{ text: `${text}${ending}` }];
}

export function draftLanding(subject: Subject): EchoData['landing'] {
  const { pen, topic, name, pitch, ctas } = subject;
  const specs = platformSpecs().search_result;

  return {
    meta_title: pen.write(name === null ? capital(topic) : `${capital(topic)} | ${name}`, {
      max: specs.title.max,
    }),
    meta_description: pen.write(pitch, { max: specs.description.max }),
    hero: {
      h1: pen.write(capital(topic), { max: 80 }),
      sub: pitch,
      cta: ctas[0]?.text ?? pen.write('Begin', { max: 25 }),
    },
    sections: landingSections(subject).map(({ kind, h2, body }) => ({
      kind,
      h2: pen.write(h2, { max: 80 }),
      body: pen.write(body, { max: 1200 }),
    })),
    faq: draftFaq(subject),
  };
}

function landingSections({ upstream, topic, pitch, audience, plainSentences, ctas }: Subject) {
  const pains = upstream.vision.audiences.flatMap(({ pains: [pain = ''] }) => pain);
  const sections = [
    { kind: 'problem', h2: 'The everyday problem', body: pains.join(' ') },
    { kind: 'offer', h2: `What ${topic} is`, body: pitch },
    { kind: 'details', h2: 'The details', body: plainSentences.slice(2, 8).join(' ') },
    { kind: 'fit', h2: 'Who it is for', body: audience === null ? '' : `It is for ${audience}.` },
    {
      kind: 'next step',
      h2: 'What happens next',
      body: `${ctas[0]?.text ?? 'Begin'}. The first step is short.`,
    },
  ];

  return sections.filter(({ body }) => body.trim() !== '');
}

// Only questions that the brief itself answers.
function draftFaq({ pen, brief, topic, pitch, audience }: Subject): EchoData['landing']['faq'] {
  const price = brief.offer?.price;
  const until = brief.offer?.valid_until;
  const known = [
    { q: `What is ${topic}?`, a: pitch },
    audience === null ? null : { q: 'Who is it for?', a: `It is for ${audience}.` },
    price === undefined
      ? null
      : { q: 'What does it cost?', a: `The price is ${price.amount} ${price.currency}.` },
    until === undefined ? null : { q: 'How long does the offer run?', a: `Until ${until}.` },
  ];

  return known
    .filter((item) => item !== null)
    .map(({ q, a }) => ({ q: pen.write(q, { max: 120 }), a: pen.write(a, { max: 600 }) }));
}

function cut(text: string, max: number): string {
  return text.length > max ? `${text.slice(0, max).toWellFormed()}…` : text;
}
