// Drafts the social strategist's output by rules: a calendar of posts from the brief and the handoff.
import { drafted } from '../drafted.ts';
import { hashtagsFor } from '../hashtags.ts';
import type { OutputFacts } from '../kind.ts';
import { createLedger } from '../ledger.ts';
import type { SocialPlatform } from '../platform-specs.ts';
import { type Subject, subjectOf } from '../subject.ts';
import { assumedLosses, usesOf } from '../upstream.ts';
import { trimTo } from '../wording.ts';
import { calendarDays, platformsOf, planSlots, type Slot } from './draft-calendar.ts';
import { draftPosts } from './draft-posts.ts';
import { campaignWindow, daysBetween } from './published.ts';
import { upstreamReferences } from './references.ts';
import { type SocialData, SocialOutput } from './schema.ts';

export function draftSocial(facts: OutputFacts): SocialOutput {
  const subject = subjectOf(facts);
  const { platforms, areAsked } = platformsOf(subject);
  const slots = planSlots(platforms, facts);
  const posts = draftPosts(facts, { subject, slots, themes: themesOf(subject) });
  const { from, to } = calendarDays(facts);
  const ledger = createLedger();
  for (const sentence of subject.plainSentences.slice(0, 8)) {
    ledger.add({ claim: trimTo(sentence, 300), kind: 'brief' });
  }
  const data: SocialData = {
    strategy: {
      pillars: sharesOf(themesOf(subject), posts),
      cadence: cadenceOf(platforms, slots, facts),
      tone: platforms.map((platform) => ({
        platform,
        note: subject.pen.write(toneOf(platform, subject), { max: 300 }),
      })),
    },
    posts,
    replies: repliesOf(subject),
    escalation: escalationOf(subject),
    hashtag_sets: platforms.map((platform) => ({
      name: subject.pen.write(`Tags for ${subject.topic}`, { max: 80 }),
      platform,
      tags: hashtagsFor(subject, platform),
    })),
    disclaimers: subject.disclaimers,
  };

  return SocialOutput.parse(
    drafted(facts, {
      agent: 'social',
      summary: `A calendar of ${posts.length} posts about ${subject.topic} on ${platforms.join(', ')} over ${daysBetween(from, to) + 1} days, drafted by rules from the brief.`,
      data,
      evidence: ledger.all(),
      uses: usesOf(upstreamReferences(data)),
      assumptions: assumptionsOf(facts, subject, areAsked),
      openQuestions: [
        'In which time zone are the posts published, and when are the followers online?',
        'Who answers comments and messages, and until what hour?',
        ...(subject.link === null ? ['Which page should the posts lead to?'] : []),
      ],
    }),
  );
}

type Theme = { id: string | null; name: string };

function themesOf({ upstream, pen }: Subject): Theme[] {
  const handed = upstream.vision.pillars
    .slice(0, 5)
    .map(({ id, title }) => ({ id, name: pen.write(title, { max: 80 }) }));
  const own = handed.filter(
    ({ name }, index) => handed.findIndex((other) => other.name === name) === index,
  );
  if (own.length > 0) return own;

  const names = ['How it works', 'Questions answered', 'What it is for'];
  return pen
    .pick(3, names, (name, chosen) => !chosen.includes(name))
    .map((name) => ({ id: null, name }));
}

// Shares follow from the posts, to one decimal.
function sharesOf(themes: Theme[], posts: SocialData['posts']): SocialData['strategy']['pillars'] {
  return themes.map(({ id, name }) => {
    const own = posts.filter(({ theme }) => theme === name).length;
    return { id, name, share_pct: Math.round((own / posts.length) * 1000) / 10 };
  });
}

function cadenceOf(
  platforms: SocialPlatform[],
  slots: Slot[],
  facts: OutputFacts,
): SocialData['strategy']['cadence'] {
  const { from, to } = calendarDays(facts);
  const weeks = Math.max(1, (daysBetween(from, to) + 1) / 7);

  return platforms.map((platform) => {
    const count = slots.filter((slot) => slot.platform === platform).length;
    return { platform, per_week: Math.min(50, Math.round((count / weeks) * 10) / 10) };
  });
}

const habits: Record<SocialPlatform, string> = {
  x: 'one thought a post, no preamble',
  linkedin: 'the point in the first line, then the reason, no slogans',
  instagram: 'the picture carries the post, the caption adds one detail',
  threads: 'like talking to one person, one question at most',
  tiktok: 'spoken language, the first second decides',
  facebook: 'short, with one clear next step',
  youtube: 'say what the video answers, then where to go on',
};

function toneOf(platform: SocialPlatform, { brief }: Subject): string {
  const tone = brief.client?.tone_of_voice ?? [];
  const voice = tone.length === 0 ? '' : `${tone.slice(0, 3).join(', ')}: `;

  return `${voice}${habits[platform]}`;
}

function repliesOf({ pen, brief, topic, pitch, link }: Subject): SocialData['replies'] {
  const price = brief.offer?.price;
  const page = link !== null && pen.isClean(link) ? ` The details are here: ${link}` : '';
  const replies = [
    { trigger: `What is ${topic}?`, answer: `${pitch}${page}` },
    price === undefined
      ? null
      : { trigger: 'What does it cost?', answer: `${price.amount} ${price.currency}.${page}` },
    {
      trigger: 'A complaint',
      answer:
        'We are sorry to read this. Please write to us in a private message, so that we can look into it.',
    },
    {
      trigger: 'A question that nobody here can answer',
      answer: 'Good question. We are asking a colleague and come back to you here.',
    },
  ];

  return replies
    .filter((reply) => reply !== null)
    .map(({ trigger, answer }) => ({
      trigger: pen.write(trigger, { max: 200 }),
      answer: pen.write(answer, { max: 600 }),
    }));
}

function escalationOf({ pen }: Subject): SocialData['escalation'] {
  const rules = [
    ['Anything about health, safety or the law', 'The client, before anybody answers'],
    ['Three complaints about the same thing within a day', 'The client’s customer service'],
    ['A request by the press', 'The client’s management'],
  ];

  return rules.map(([when = '', who = '']) => ({
    when: pen.write(when, { max: 200 }),
    who: pen.write(who, { max: 200 }),
  }));
}

function assumptionsOf(facts: OutputFacts, { link }: Subject, areAsked: boolean): string[] {
  const hasDates = facts.brief.dates !== undefined;
  const notes = [
    ...assumedLosses(facts, {
      vision: 'posts name no pillar of it; the themes are general ones',
      apex: 'links carry a UTM plan of this draft’s own',
      nova: 'posts name no KPI, and the hours of posting rest on no data',
      echo: 'posts use no headline of it',
      pixel: 'posts name no image; the alt text describes what is planned',
      reel: 'posts name no video',
    }),
    'All times are UTC, since the brief names no time zone; the hours rest on no data.',
    areAsked
      ? null
      : 'The brief names no social channel; LinkedIn, Instagram and Facebook stand in.',
    campaignWindow(facts) !== null
      ? null
      : `${hasDates ? 'The campaign dates of the brief have passed or are turned round' : 'The brief names no campaign dates'}; the calendar runs over the four weeks after the brief came in.`,
    link === null ? 'The brief names no page, so the posts carry no link.' : null,
  ];

  return notes.filter((note) => note !== null);
}
