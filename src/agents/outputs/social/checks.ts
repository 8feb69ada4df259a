// The social strategist's mechanical checks: lengths, hashtags, copies, dates, shares, links, references.
import type { Check } from '../../../core/output.ts';
import { type Fault, repeatedIds, rule } from '../envelope-checks.ts';
import { placed, tooLong } from '../faults.ts';
import type { OutputFacts } from '../kind.ts';
import { platformSpecs } from '../platform-specs.ts';
import { alikePairs } from '../similarity.ts';
import { referenceChecks } from '../upstream.ts';
import { linkChecks } from './link-checks.ts';
import { measureFor, publishedText } from './published.ts';
import { upstreamReferences } from './references.ts';
import type { Post, SocialData, SocialOutput } from './schema.ts';
import { scheduleChecks } from './schedule-checks.ts';

/** Every check on a social strategist's output beyond its schema and the checks shared by all agents. Pure. */
export function checkSocial(output: SocialOutput, facts: OutputFacts): Check[] {
  const { data } = output;

  return [
    ...repeatedIds(
      data.posts.map(({ id }) => id),
      'data.posts',
    ),
    ...referenceChecks(upstreamReferences(data), facts),
    ...lengthChecks(data.posts),
    ...hookChecks(data.posts),
    ...hashtagChecks(data.posts),
    ...copyChecks(data.posts),
    ...altChecks(data.posts),
    ...shareChecks(data),
    ...scheduleChecks(data.posts, facts),
    ...linkChecks(data.posts, facts),
  ];
}

function lengthChecks(posts: Post[]): Check[] {
  const over = (limitOf: (post: Post) => number | undefined) =>
    posts.flatMap((post, index): Fault[] => {
      const limit = limitOf(post);
      if (limit === undefined) return [];
      const measure = measureFor(post.platform);
      const texts = [
        { path: `data.posts[${index}].caption`, text: publishedText(post) },
        ...placed(`data.posts[${index}].thread`, post.thread, (text) => ({ field: '', text })),
      ];
      return tooLong(texts, limit, measure).map((fault) => ({
        ...fault,
        limit: `${limit} on ${post.platform}, hashtags and link counted`,
      }));
    });
  const { posts: specs } = platformSpecs();

  return [
    ...rule(
      { id: 'social.caption_length', path: 'data.posts', limit: 'the limit of each platform' },
      over(({ platform }) => specs[platform].caption.max),
    ),
    ...rule(
      {
        id: 'social.caption_advised',
        level: 'warn',
        path: 'data.posts',
        limit: 'what each platform shows whole',
      },
      over(({ platform }) => specs[platform].caption.advised),
    ),
  ];
}

function hookChecks(posts: Post[]): Check[] {
  const faults = posts.flatMap(({ platform, caption }, index) => {
    const { hook } = platformSpecs().posts[platform];
    if (hook === undefined) return [];
    const [opening = ''] = caption.split(/\n|(?<=[.!?…。！？])\s*/u);
    return tooLong([{ path: `data.posts[${index}].caption`, text: opening }], hook).map(
      (fault) => ({ ...fault, limit: `first sentence or line within ${hook} characters` }),
    );
  });

  return rule(
    { id: 'social.hook', path: 'data.posts', limit: 'the opening shows before "see more"' },
    faults,
  );
}

function hashtagChecks(posts: Post[]): Check[] {
  const faults = posts.flatMap(({ platform, hashtags, caption }, index) => {
    const max = platformSpecs().posts[platform].max_hashtags;
    const inCaption: string[] = caption.match(/#[\p{L}\p{M}\p{N}_]+/gu) ?? [];
    const tags = new Set([...hashtags, ...inCaption].map((tag) => tag.toLowerCase()));
    return max === undefined || tags.size <= max
      ? []
      : [
          {
            path: `data.posts[${index}].hashtags`,
            measured: tags.size,
            limit: `${max} on ${platform}`,
          },
        ];
  });

  return rule(
    { id: 'social.hashtags', path: 'data.posts', limit: 'as many as the platform allows' },
    faults,
  );
}

function copyChecks(posts: Post[]): Check[] {
  const pairs = alikePairs(
    posts.map(({ caption }) => caption),
    0.8,
  );
  const faults = pairs
    .filter(({ left, right }) => posts[left]?.platform !== posts[right]?.platform)
    .map(({ left, right, similarity }) => ({
      path: `data.posts[${right}].caption`,
      measured: `${similarity} alike with data.posts[${left}].caption`,
    }));

  return rule(
    {
      id: 'social.copied_caption',
      path: 'data.posts',
      limit: 'less than 0.8 alike between platforms: write for each one',
    },
    faults,
  );
}

function altChecks(posts: Post[]): Check[] {
  const faults = posts.flatMap(({ format, image_ids: images, alt }, index) => {
    const hasPicture = format === 'image' || format === 'carousel' || images.length > 0;
    return hasPicture && (alt ?? '').trim() === ''
      ? [{ path: `data.posts[${index}].alt`, measured: 'empty' }]
      : [];
  });

  return rule(
    { id: 'social.alt', path: 'data.posts', limit: 'posts with pictures say what they show' },
    faults,
  );
}

function shareChecks({ strategy, posts }: SocialData): Check[] {
  const names = strategy.pillars.map(({ name }) => name);
  const sum = strategy.pillars.reduce((total, { share_pct: share }) => total + share, 0);
  const stray = posts.flatMap(({ theme }, index) =>
    names.includes(theme)
      ? []
      : [{ path: `data.posts[${index}].theme`, measured: theme.slice(0, 80) }],
  );
  const off = strategy.pillars.flatMap(({ name, share_pct: share }, index) => {
    const own = posts.filter(({ theme }) => theme === name).length;
    const actual = Math.round((own / posts.length) * 1000) / 10;
    return Math.abs(actual - share) <= 10
      ? []
      : [
          {
            path: `data.strategy.pillars[${index}].share_pct`,
            measured: `${share} planned, ${actual} of the posts`,
          },
        ];
  });

  return [
    ...rule(
      {
        id: 'social.theme',
        path: 'data.posts',
        limit: `a name of strategy.pillars: ${names.join('; ').slice(0, 300)}`,
      },
      stray,
    ),
    ...rule(
      { id: 'social.pillar_share', path: 'data.strategy.pillars', limit: 'within 10 points' },
      off,
    ),
    ...rule(
      { id: 'social.share_sum', path: 'data.strategy.pillars', limit: '100, give or take 1' },
      Math.abs(sum - 100) <= 1 ? [] : [{ path: 'data.strategy.pillars', measured: sum }],
    ),
  ];
}
