// The social strategist's files: posts, calendar, scheduler sheet.
import type { DeliverableFile } from '../../../core/run.ts';
import {
  closingSections,
  disclaimerSections,
  document,
  outputJson,
  type Section,
  sheet,
} from '../files.ts';
import type { FileContext } from '../kind.ts';
import { platformSpecs } from '../platform-specs.ts';
import { calendarFile } from './calendar-file.ts';
import { measureFor, publishedText } from './published.ts';
import type { Post, SocialData, SocialOutput } from './schema.ts';

export function socialFiles(output: SocialOutput, about: FileContext): DeliverableFile[] {
  const { data } = output;

  return [
    postsDocument(output, about),
    calendarSheet(data.posts, about),
    schedulerSheet(data.posts, about),
    hashtagSheet(data, about),
    replySheet(data, about),
    calendarFile(data.posts, about),
    outputJson(output, about),
  ];
}

function postsDocument(output: SocialOutput, about: FileContext): DeliverableFile {
  const { strategy, posts, replies, escalation, disclaimers } = output.data;
  const sections: Section[] = [
    { heading: 'Summary', body: output.summary },
    {
      heading: 'What we talk about',
      body: 'Each post belongs to one theme; the shares say how often each theme comes up.',
      table: {
        columns: ['Theme', 'Pillar', 'Share in percent'],
        rows: strategy.pillars.map(({ id, name, share_pct: share }) => [name, id, share]),
      },
    },
    {
      heading: 'How often and in which tone',
      table: {
        columns: ['Platform', 'Posts a week', 'Tone'],
        rows: strategy.cadence.map(({ platform, per_week: perWeek }) => [
          platform,
          perWeek,
          strategy.tone.find((tone) => tone.platform === platform)?.note ?? null,
        ]),
      },
    },
    ...posts.map(postSection),
    {
      heading: 'Replies',
      table: {
        columns: ['When somebody writes', 'We answer'],
        rows: replies.map(({ trigger, answer }) => [trigger, answer]),
      },
    },
    {
      heading: 'Who steps in',
      table: {
        columns: ['When', 'Who'],
        rows: escalation.map(({ when, who }) => [when, who]),
      },
    },
    ...disclaimerSections(disclaimers),
    ...closingSections(output),
  ];

  return document({ name: 'social-posts.md', title: 'Social posts', about, sections });
}

function postSection(post: Post): Section {
  const lines = [
    post.caption,
    ...post.thread,
    post.hashtags.join(' '),
    post.utm_url === null ? '' : `Link: ${post.utm_url}`,
    post.alt === null ? '' : `Alt text: ${post.alt}`,
    post.image_ids.length === 0 ? '' : `Images: ${post.image_ids.join(', ')}`,
    post.video_id === null ? '' : `Video: ${post.video_id}`,
  ];

  return {
    heading: `${post.id}: ${post.platform}, ${readable(post.at)} (${post.format})`,
    // A tag at the start of a line would be read as a heading.
    body: lines
      .filter((line) => line !== '')
      .map((line) => line.replaceAll(/^#/gm, '\\#'))
      .join('\n\n'),
  };
}

function readable(at: string): string {
  const offset = at.replace(/^.*T[\d:.]+/, '');
  const zone = /^(?:Z|[+-]00:?00)$/.test(offset) ? 'UTC' : `UTC${offset}`;

  return `${at.slice(0, 10)} ${at.slice(11, 16)} ${zone}`;
}

function calendarSheet(posts: Post[], about: FileContext): DeliverableFile {
  return sheet({
    name: 'social-calendar.csv',
    title: 'Social calendar',
    about,
    columns: [
      'id',
      'platform',
      'at',
      'format',
      'caption',
      'length',
      'limit',
      'hashtags',
      'link',
      'image_ids',
      'video_id',
      'headline_ids',
      'theme',
      'pillar_id',
      'kpi_id',
      'alt',
      'status',
    ],
    rows: posts.map((post) => [
      post.id,
      post.platform,
      post.at,
      post.format,
      post.caption,
      measureFor(post.platform)(publishedText(post)),
      platformSpecs().posts[post.platform].caption.max,
      post.hashtags.join(' '),
      post.utm_url ?? post.link_url,
      post.image_ids.join(' '),
      post.video_id,
      post.headline_ids.join(' '),
      post.theme,
      post.pillar_id,
      post.kpi_id,
      post.alt,
      post.status,
    ]),
  });
}

// The columns that scheduling tools ask for; the time is UTC.
function schedulerSheet(posts: Post[], about: FileContext): DeliverableFile {
  return sheet({
    name: 'scheduler.csv',
    title: 'Posts for a scheduling tool',
    about,
    columns: ['platform', 'date', 'time_utc', 'text', 'link', 'image_ids', 'alt_text'],
    rows: posts.map((post) => {
      const at = new Date(post.at).toISOString();
      const text = publishedText({ ...post, link_url: null, utm_url: null });
      return [
        post.platform,
        at.slice(0, 10),
        at.slice(11, 16),
        text,
        post.utm_url ?? post.link_url,
        post.image_ids.join(' '),
        post.alt,
      ];
    }),
  });
}

function hashtagSheet({ hashtag_sets: sets }: SocialData, about: FileContext): DeliverableFile {
  return sheet({
    name: 'social-hashtags.csv',
    title: 'Hashtags',
    about,
    columns: ['name', 'platform', 'tags'],
    rows: sets.map(({ name, platform, tags }) => [name, platform, tags.join(' ')]),
  });
}

function replySheet({ replies }: SocialData, about: FileContext): DeliverableFile {
  return sheet({
    name: 'social-replies.csv',
    title: 'Replies',
    about,
    columns: ['trigger', 'answer'],
    rows: replies.map(({ trigger, answer }) => [trigger, answer]),
  });
}
