// Plans which platform publishes when, counting from the day the brief came in.
import type { OutputFacts } from '../kind.ts';
import { type SocialPlatform, socialPlatforms } from '../platform-specs.ts';
import type { Subject } from '../subject.ts';
import { campaignWindow, dayAfter, daysBetween } from './published.ts';

export type Slot = { platform: SocialPlatform; at: string };

const aliases: Record<SocialPlatform, RegExp> = {
  x: /^x$|twitter|^x\b/i,
  linkedin: /linked\s?in/i,
  instagram: /insta|^ig$/i,
  threads: /threads/i,
  tiktok: /tik\s?tok/i,
  facebook: /facebook|^fb$|^meta$/i,
  youtube: /you\s?tube|^yt$/i,
};

/** The platforms of the brief's channels, else of Apex, else three that most clients have. */
export function platformsOf({ brief, upstream }: Subject): {
  platforms: SocialPlatform[];
  areAsked: boolean;
} {
  const named = (channels: string[]) =>
    socialPlatforms.filter((platform) =>
      channels.some((channel) => aliases[platform].test(channel.trim())),
    );
  const asked = named(brief.channels);
  if (asked.length > 0) return { platforms: asked, areAsked: true };

  const handed = named(upstream.apex.platforms);
  if (handed.length > 0) return { platforms: handed, areAsked: true };

  return { platforms: ['linkedin', 'instagram', 'facebook'], areAsked: false };
}

/** The days that the calendar covers: the campaign's, else the four weeks after the brief came in. */
export function calendarDays(facts: OutputFacts): { from: string; to: string } {
  const tomorrow = dayAfter(facts.submittedAt.slice(0, 10), 1);

  return campaignWindow(facts) ?? { from: tomorrow, to: dayAfter(tomorrow, 27) };
}

const postsPerPlatform = 4;

/** Up to four posts for each platform, days apart, each platform at its own hour; by time. */
export function planSlots(platforms: SocialPlatform[], facts: OutputFacts): Slot[] {
  const { from, to } = calendarDays(facts);
  const days = daysBetween(from, to) + 1;
  const step = Math.max(2, Math.floor(days / postsPerPlatform));
  const slots = platforms.flatMap((platform, index) => {
    const first = Math.min(index % 3, days - 1);
    const hour = String(8 + index).padStart(2, '0');
    return Array.from({ length: postsPerPlatform }, (_, turn) => first + turn * step)
      .filter((day) => day < days)
      .map((day) => ({ platform, at: `${dayAfter(from, day)}T${hour}:00:00+00:00` }));
  });

  return slots.toSorted((left, right) => left.at.localeCompare(right.at, 'en'));
}
