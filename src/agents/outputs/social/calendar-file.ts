// Writes the posts as an iCalendar file (RFC 5545), one event for each.
import type { DeliverableFile } from '../../../core/run.ts';
import { byRulesLine, draftedBy } from '../files.ts';
import type { FileContext } from '../kind.ts';
import { splitGraphemes } from '../lengths.ts';
import { slug } from '../wording.ts';
import { publishedText } from './published.ts';
import type { Post } from './schema.ts';

export function calendarFile(posts: Post[], about: FileContext): DeliverableFile {
  const label = about.byRules ? byRulesLine : `Drafted by ${draftedBy(about)}.`;
  const campaign = slug(about.brief.title, 'campaign');
  const lines = [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//Nightshift//Social calendar//EN',
    'CALSCALE:GREGORIAN',
    'METHOD:PUBLISH',
    `X-WR-CALNAME:${escaped(`Posts: ${about.brief.title}`)}`,
    `X-WR-CALDESC:${escaped(label)}`,
    ...posts.flatMap((post) => eventOf(post, { label, campaign, about })),
    'END:VCALENDAR',
  ];

  return {
    name: 'calendar.ics',
    kind: 'other',
    mediaType: 'text/calendar',
    title: 'Calendar of posts',
    content: `${lines.flatMap(folded).join('\r\n')}\r\n`,
  };
}

type EventFacts = { label: string; campaign: string; about: FileContext };

function eventOf(post: Post, { label, campaign, about }: EventFacts): string[] {
  const time = stamp(post.at);
  const [opening = ''] = post.caption.split('\n');

  return [
    'BEGIN:VEVENT',
    `UID:${time}-${post.id.toLowerCase()}-${campaign}@nightshift.invalid`,
    `DTSTAMP:${stamp(about.submittedAt ?? post.at)}`,
    `DTSTART:${time}`,
    'DURATION:PT15M',
    `SUMMARY:${escaped(`${post.platform}: ${opening}`)}`,
    `DESCRIPTION:${escaped(`${publishedText(post)}\n\n${label}`)}`,
    'STATUS:TENTATIVE',
    'TRANSP:TRANSPARENT',
    'END:VEVENT',
  ];
}

/** The moment in UTC, as `20261122T093000Z`. */
function stamp(at: string): string {
  return new Date(at)
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(/[-:]/g, '');
}

function escaped(text: string): string {
  return text
    .replaceAll(/[\\;,]/g, '\\$&')
    .replaceAll(/\r\n?|\n/g, '\\n')
    .replaceAll(/\p{Cc}/gu, '');
}

// A line holds at most 75 octets; a longer one goes on after a space.
function folded(line: string): string[] {
  const lines: string[] = [];
  let here = '';

  for (const part of splitGraphemes(line)) {
    if (Buffer.byteLength(here + part) > 74) {
      lines.push(here);
      here = ' ';
    }
    here += part;
  }
  return [...lines, here];
}
