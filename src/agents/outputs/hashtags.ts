// Makes hashtags of the brief's phrases and of Apex's keywords.
import { platformSpecs, type SocialPlatform } from './platform-specs.ts';
import type { Subject } from './subject.ts';
import { capital } from './wording.ts';

// Fewer than platforms allow: readers take many tags for spam.
const usual: Record<SocialPlatform, number> = {
  x: 2,
  linkedin: 3,
  instagram: 4,
  threads: 1,
  tiktok: 3,
  facebook: 1,
  youtube: 3,
};

/** Hashtags for one platform, most telling first; none when the client's bans leave none. */
export function hashtagsFor(subject: Subject, platform: SocialPlatform): string[] {
  const { pen, topic, phrases, upstream } = subject;
  const terms = upstream.apex.keywords.filter(({ priority }) => priority <= 2);
  const tags = [topic, ...terms.map(({ term }) => term), ...phrases]
    .map(hashtagOf)
    .filter((tag) => tag.length > 2 && tag.length <= 30 && pen.isClean(tag));
  const unlike = tags.filter(
    (tag, index) => tags.findIndex((other) => other.toLowerCase() === tag.toLowerCase()) === index,
  );
  const most = platformSpecs().posts[platform].max_hashtags ?? usual[platform];

  return unlike.slice(0, Math.min(most, usual[platform]));
}

function hashtagOf(phrase: string): string {
  const words = phrase.normalize('NFC').match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
  const tag = words.map(capital).join('');

  // A tag of figures alone is no tag.
  return /\p{L}/u.test(tag) ? `#${tag}` : '';
}
