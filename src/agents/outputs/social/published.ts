// What a post is once published, and when the campaign runs.
import type { OutputFacts } from '../kind.ts';
import { graphemes, xLength } from '../lengths.ts';
import type { SocialPlatform } from '../platform-specs.ts';
import type { Post } from './schema.ts';

/** The whole text of a post: caption, then hashtags, then the link. */
export function publishedText(
  post: Pick<Post, 'caption' | 'hashtags' | 'utm_url' | 'link_url'>,
): string {
  const parts = [post.caption, post.hashtags.join(' '), post.utm_url ?? post.link_url ?? ''];

  return parts.filter((part) => part !== '').join('\n\n');
}

/** How the platform counts a text. */
export function measureFor(platform: SocialPlatform): (text: string) => number {
  return platform === 'x' ? xLength : graphemes;
}

const dayMs = 86_400_000;

/** The campaign's days, or null where the brief names none that are still to come. */
export function campaignWindow({
  brief,
  submittedAt,
}: OutputFacts): { from: string; to: string } | null {
  const tomorrow = dayAfter(submittedAt.slice(0, 10), 1);
  const { dates } = brief;
  if (dates === undefined || dates.end < dates.start || dates.end < tomorrow) return null;

  return { from: dates.start > tomorrow ? dates.start : tomorrow, to: dates.end };
}

/** The date so many days later, as `2026-11-22`. */
export function dayAfter(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * dayMs).toISOString().slice(0, 10);
}

/** Whole days from one date to another. */
export function daysBetween(from: string, to: string): number {
  return Math.round((Date.parse(`${to}T00:00:00Z`) - Date.parse(`${from}T00:00:00Z`)) / dayMs);
}
