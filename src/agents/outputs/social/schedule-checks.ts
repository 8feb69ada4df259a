// Checks of the calendar: within the campaign, in the future, with room between posts.
import type { Check } from '../../../core/output.ts';
import { rule } from '../envelope-checks.ts';
import type { OutputFacts } from '../kind.ts';
import { platformSpecs } from '../platform-specs.ts';
import { campaignWindow } from './published.ts';
import type { Post } from './schema.ts';

const hourMs = 3_600_000;

export function scheduleChecks(posts: Post[], facts: OutputFacts): Check[] {
  return [...futureChecks(posts, facts), ...windowChecks(posts, facts), ...gapChecks(posts)];
}

function futureChecks(posts: Post[], { submittedAt }: OutputFacts): Check[] {
  const faults = posts.flatMap(({ at }, index) =>
    Date.parse(at) > Date.parse(submittedAt)
      ? []
      : [{ path: `data.posts[${index}].at`, measured: at }],
  );

  return rule({ id: 'social.future', path: 'data.posts', limit: `after ${submittedAt}` }, faults);
}

function windowChecks(posts: Post[], facts: OutputFacts): Check[] {
  const days = campaignWindow(facts);
  if (days === null) return [];

  const { start } = facts.brief.dates ?? { start: days.from };
  // The day as it is where the post is published.
  const faults = posts.flatMap(({ at }, index) => {
    const day = at.slice(0, 10);
    return day >= start && day <= days.to
      ? []
      : [{ path: `data.posts[${index}].at`, measured: day }];
  });

  return rule(
    { id: 'social.window', path: 'data.posts', limit: `from ${start} to ${days.to}` },
    faults,
  );
}

function gapChecks(posts: Post[]): Check[] {
  const byTime = posts
    .map((post, index) => ({ ...post, index, time: Date.parse(post.at) }))
    .toSorted((left, right) => left.time - right.time);
  const faults = byTime.flatMap((post, position) => {
    const before = byTime.slice(0, position).findLast((other) => other.platform === post.platform);
    const gap = platformSpecs().posts[post.platform].min_gap_hours;
    if (before === undefined || post.time - before.time >= gap * hourMs) return [];

    const hours = Math.round(((post.time - before.time) / hourMs) * 10) / 10;
    return [
      {
        path: `data.posts[${post.index}].at`,
        measured: `${hours} hours after ${before.id}`,
        limit: `${gap} hours between posts on ${post.platform}`,
      },
    ];
  });

  return rule(
    { id: 'social.gap', path: 'data.posts', limit: 'the least gap of each platform' },
    faults,
  );
}
