import { expect, test } from 'vitest';

import type { OutputFacts } from '../../../src/agents/outputs/kind.ts';
import type { SocialOutput } from '../../../src/agents/outputs/social/schema.ts';
import { factsOf, fullBrief } from './hostile-facts.ts';
import { failedIds, judgedDraft, socialKind, wavesFacts } from './judged.ts';

const facts = wavesFacts({
  ...fullBrief,
  channels: ['x', 'linkedin', 'instagram', 'threads', 'facebook'],
});
const draft = socialKind.draft(facts);

type Data = SocialOutput['data'];
type Post = Data['posts'][number];

function broken(change: (data: Data) => void, within: OutputFacts = facts): string[] {
  const output = structuredClone(draft);
  change(output.data);
  return failedIds(socialKind, output, within);
}

function on(data: Data, platform: Post['platform'], fields: Partial<Post>): void {
  const post = data.posts.find((item) => item.platform === platform);
  if (post === undefined) throw new Error(`the draft has no post on ${platform}`);
  Object.assign(post, fields);
}

const tags = (count: number) => Array.from({ length: count }, (_, index) => `#Tag${index}`);

const faults: [string, string, (data: Data) => void][] = [
  [
    '281 weighted characters on X',
    'social.caption_length',
    (data) =>
      on(data, 'x', { caption: 'x'.repeat(281), hashtags: [], utm_url: null, link_url: null }),
  ],
  [
    '141 Chinese characters on X',
    'social.caption_length',
    (data) =>
      on(data, 'x', { caption: '咖'.repeat(141), hashtags: [], utm_url: null, link_url: null }),
  ],
  [
    'a link that does not fit on X',
    'social.caption_length',
    (data) => on(data, 'x', { caption: 'x'.repeat(260), hashtags: [] }),
  ],
  [
    'a long part of a thread',
    'social.caption_length',
    (data) => on(data, 'x', { thread: ['x'.repeat(281)] }),
  ],
  [
    '2,201 characters on Instagram',
    'social.caption_length',
    (data) => on(data, 'instagram', { caption: `Short. ${'i'.repeat(2200)}`, hashtags: [] }),
  ],
  [
    '501 characters on Threads',
    'social.caption_length',
    (data) => on(data, 'threads', { caption: 't'.repeat(501) }),
  ],
  [
    '401 characters on Facebook',
    'social.caption_advised',
    (data) => on(data, 'facebook', { caption: 'f'.repeat(401) }),
  ],
  [
    'a late hook on LinkedIn',
    'social.hook',
    (data) => on(data, 'linkedin', { caption: 'l'.repeat(211) }),
  ],
  [
    'a late hook on Instagram',
    'social.hook',
    (data) => on(data, 'instagram', { caption: 'i'.repeat(126) }),
  ],
  [
    'six hashtags on Instagram',
    'social.hashtags',
    (data) => on(data, 'instagram', { hashtags: tags(6) }),
  ],
  [
    'hashtags hidden in the caption',
    'social.hashtags',
    (data) => on(data, 'instagram', { caption: tags(3).join(' '), hashtags: ['#A', '#B', '#C'] }),
  ],
  ['two tags on Threads', 'social.hashtags', (data) => on(data, 'threads', { hashtags: tags(2) })],
  [
    'a caption copied to another platform',
    'social.copied_caption',
    (data) =>
      on(data, 'linkedin', {
        caption: data.posts.find(({ platform }) => platform === 'x')?.caption ?? '',
      }),
  ],
  [
    'a post before the campaign',
    'social.window',
    (data) => on(data, 'x', { at: '2026-11-30T09:00:00+00:00' }),
  ],
  [
    'a post after the campaign',
    'social.window',
    (data) => on(data, 'x', { at: '2027-01-01T09:00:00+00:00' }),
  ],
  ['a post in the past', 'social.future', (data) => on(data, 'x', { at: '2026-11-22T21:00:00Z' })],
  [
    'two posts in one hour',
    'social.gap',
    (data) =>
      data.posts.forEach((post) => Object.assign(post, { at: '2026-12-03T09:00:00+00:00' })),
  ],
  ['a picture without alt text', 'social.alt', (data) => on(data, 'instagram', { alt: ' ' })],
  [
    'a share that the posts do not keep',
    'social.pillar_share',
    (data) => Object.assign(data.strategy.pillars[0] ?? {}, { share_pct: 90 }),
  ],
  [
    'shares beyond 100',
    'social.share_sum',
    (data) => Object.assign(data.strategy.pillars[0] ?? {}, { share_pct: 40 }),
  ],
  ['a theme that is not planned', 'social.theme', (data) => on(data, 'x', { theme: 'Weather' })],
  ['a link without UTM', 'social.utm', (data) => on(data, 'x', { utm_url: null })],
  [
    'a campaign in capitals',
    'social.utm',
    (data) =>
      on(data, 'x', {
        utm_url: 'https://b.example/?utm_source=x&utm_medium=social&utm_campaign=Autumn',
      }),
  ],
  [
    'a campaign that Apex did not plan',
    'social.utm',
    (data) =>
      on(data, 'x', {
        utm_url: 'https://b.example/?utm_source=x&utm_medium=social&utm_campaign=spring',
      }),
  ],
  [
    'an image nobody planned',
    'reference.pixel.images',
    (data) => on(data, 'instagram', { image_ids: ['I99'] }),
  ],
  ['a video nobody wrote', 'reference.reel.videos', (data) => on(data, 'x', { video_id: 'V99' })],
  [
    'a headline nobody wrote',
    'reference.echo.headlines',
    (data) => on(data, 'x', { headline_ids: ['H99'] }),
  ],
  [
    'a pillar nobody set',
    'reference.vision.pillars',
    (data) => on(data, 'x', { pillar_id: 'P99' }),
  ],
  ['a KPI nobody set', 'reference.nova.kpis', (data) => on(data, 'x', { kpi_id: 'M99' })],
  ['an id twice', 'id.unique', (data) => Object.assign(data.posts[1] ?? {}, { id: 'S1' })],
];

test.each(faults)('finds %s', (_, id, change) => {
  expect(broken(change)).toContain(id);
});

test('finds nothing in the draft as it is', () => {
  expect(broken(() => undefined)).toEqual([]);
});

test('counts the day of a post as it is where the post appears', () => {
  const onLastDay = { at: '2026-12-31T23:30:00-08:00' };

  expect(broken((data) => on(data, 'x', onLastDay))).toEqual([]);
});

test.each([
  ['lie in the past', { start: '2019-01-01', end: '2019-02-01' }],
  ['are turned round', { start: '2027-03-01', end: '2027-02-01' }],
])('drafts for the coming weeks when the campaign dates %s, and says so', (_, dates) => {
  const { output, failed } = judgedDraft(socialKind, factsOf({ ...fullBrief, dates }));

  expect(failed).toEqual([]);
  expect(output.data.posts[0]?.at).toMatch(/^2026-11-2[3-5]T/);
  expect(output.assumptions.join(' ')).toMatch(/have passed or are turned round/);
});

test('drafts within a campaign of a single day', () => {
  const dates = { start: '2026-11-23', end: '2026-11-23' };
  const { output } = judgedDraft(socialKind, factsOf({ ...fullBrief, dates }));

  expect(new Set(output.data.posts.map(({ at }) => at.slice(0, 10)))).toEqual(
    new Set(['2026-11-23']),
  );
});

test('draws on the platforms that the brief names', () => {
  const brief = { ...fullBrief, channels: ['Twitter', 'TikTok organic'] };
  const { output } = judgedDraft(socialKind, factsOf(brief));

  expect(new Set(output.data.posts.map(({ platform }) => platform))).toEqual(
    new Set(['x', 'tiktok']),
  );
});
