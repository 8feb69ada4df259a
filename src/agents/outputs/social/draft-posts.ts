// Drafts the posts: captions unlike one another, each within its platform's limit.
import { hashtagsFor } from '../hashtags.ts';
import type { OutputFacts } from '../kind.ts';
import { platformSpecs, type SocialPlatform } from '../platform-specs.ts';
import { similarity } from '../similarity.ts';
import type { Subject } from '../subject.ts';
import { capital, slug } from '../wording.ts';
import type { Slot } from './draft-calendar.ts';
import { plannedCampaigns } from './link-checks.ts';
import { measureFor, publishedText } from './published.ts';
import type { Post } from './schema.ts';

type Plan = { subject: Subject; slots: Slot[]; themes: { id: string | null; name: string }[] };

export function draftPosts(facts: OutputFacts, { subject, slots, themes }: Plan): Post[] {
  const posts: Post[] = [];

  for (const [index, slot] of slots.entries()) {
    const frame = frameOf(facts, { subject, slot, index });
    const others = posts.map(({ caption }) => caption);
    const caption = captionOf(subject, { frame, index, others });
    const theme = themes[index % themes.length];
    posts.push({
      ...frame,
      caption,
      headline_ids: subject.upstream.echo.headlines
        .filter(({ text }) => text !== '' && caption.startsWith(subject.pen.write(text, hookRoom)))
        .map(({ id }) => id)
        .slice(0, 1),
      theme: theme?.name ?? '',
      pillar_id: theme?.id ?? null,
      alt: altOf(subject, frame, caption),
    });
  }
  return posts;
}

type Frame = Omit<Post, 'caption' | 'headline_ids' | 'theme' | 'pillar_id' | 'alt'>;

function frameOf(
  facts: OutputFacts,
  { subject, slot, index }: { subject: Subject; slot: Slot; index: number },
): Frame {
  const { upstream } = subject;
  const { platform, at } = slot;
  const id = `S${index + 1}`;
  const format = formatOf(platform, index);
  const { images } = upstream.pixel;
  const image = images[index % Math.max(1, images.length)];
  const { videos } = upstream.reel;
  const video = videos.find((item) => item.platform === platform) ?? videos[0];
  const link = linksPosts(platform) ? shortLink(subject) : null;

  return {
    id,
    platform,
    at,
    format,
    thread: [],
    hashtags: hashtagsFor(subject, platform),
    mentions: [],
    link_url: link,
    utm_url: link === null ? null : taggedLink(link, { platform, id, campaign: campaignOf(facts) }),
    image_ids: format === 'image' && image !== undefined ? [image.id] : [],
    video_id: format === 'video' ? (video?.id ?? null) : null,
    kpi_id: upstream.nova.kpis[0]?.id ?? null,
    status: 'draft',
  };
}

function formatOf(platform: SocialPlatform, index: number): Post['format'] {
  if (platform === 'tiktok' || platform === 'youtube') return 'video';
  if (platform === 'instagram') return 'image';
  return index % 2 === 0 ? 'image' : 'text';
}

// Links in captions cannot be followed there.
function linksPosts(platform: SocialPlatform): boolean {
  return platform !== 'instagram' && platform !== 'tiktok';
}

// A link of hundreds of characters would leave no room for words.
function shortLink({ link }: Subject): string | null {
  return link !== null && link.length <= 120 ? link : null;
}

function campaignOf(facts: OutputFacts): string {
  const [planned] = plannedCampaigns(facts);
  return planned ?? slug(facts.brief.title, 'campaign', 30);
}

function taggedLink(
  link: string,
  { platform, id, campaign }: { platform: string; id: string; campaign: string },
): string {
  const url = new URL(link);
  url.searchParams.set('utm_source', platform);
  url.searchParams.set('utm_medium', 'social');
  url.searchParams.set('utm_campaign', campaign);
  url.searchParams.set('utm_content', id.toLowerCase());
  return url.href;
}

const hookRoom = { max: 110 };

type CaptionPlan = { frame: Frame; index: number; others: string[] };

function captionOf(subject: Subject, { frame, index, others }: CaptionPlan): string {
  const { pen } = subject;
  const hooks = hooksOf(subject).map((text) => pen.write(text, hookRoom));
  const bodies = bodiesOf(subject).map((text) => pen.write(text, { max: 400 }));
  const closing = pen.write(closings[frame.platform](subject), { max: 120 });
  const candidates = hooks.flatMap((_, turn) => {
    const hook = hooks[(index + turn) % hooks.length] ?? '';
    const body = bodies[(index * 2 + turn) % bodies.length] ?? '';
    return [
      [hook, body, closing],
      [hook, closing],
    ].map((parts) => pen.writeLines([...new Set(parts)].join('\n\n'), roomFor(frame)));
  });
  const [caption = ''] = pen.pick(1, candidates, (text) =>
    others.every((other) => similarity(text, other) < 0.75),
  );

  return caption;
}

// What hashtags and link leave of the platform's limit.
function roomFor(frame: Frame) {
  const { caption } = platformSpecs().posts[frame.platform];
  const measure = measureFor(frame.platform);
  const tail = publishedText({ ...frame, caption: '' });
  const limit = Math.min(1200, caption.advised ?? caption.max);

  return { max: limit - measure(tail) - 2, measure };
}

function hooksOf({ upstream, topic, name, audience, plainSentences }: Subject): string[] {
  const headlines = upstream.echo.headlines.map(({ text }) => text);
  const messages = upstream.vision.pillars.map(({ message }) => message);
  const told = [...headlines, ...messages, ...plainSentences.slice(0, 5)];

  return [
    ...told.filter((text) => text.trim() !== ''),
    `What is ${topic}, in two sentences?`,
    `The question we hear first about ${topic}`,
    name === null ? `A closer look at ${topic}` : `How ${name} thinks about ${topic}`,
    audience === null ? `Who ${topic} is made for` : `For ${audience}`,
    'Before and after, told plainly',
    'One detail that is easy to miss',
    'Start small, see the difference',
    'Doubts are welcome here',
  ];
}

function bodiesOf({ pitch, topic, plainSentences, upstream }: Subject): string[] {
  const pains = upstream.vision.audiences.flatMap(({ pains: [pain = ''] }) => pain);

  return [
    pitch,
    ...plainSentences.slice(0, 8),
    ...pains.filter((pain) => pain !== ''),
    `We show what ${topic} looks like on an ordinary day.`,
    'Ask what you would ask a colleague, and we answer it here.',
    'Save this for the day you compare the options.',
    'No jargon, only what you need to decide.',
  ];
}

const closings: Record<SocialPlatform, (subject: Subject) => string> = {
  x: ({ ctas }) => ctas[2]?.text ?? '',
  linkedin: ({ topic }) => `What would you want to know about ${topic}? Tell us in the comments.`,
  instagram: ({ ctas }) => `${capital(ctas[0]?.text ?? '')}: the link is in our profile.`,
  threads: () => 'How do you handle it today?',
  tiktok: () => 'The whole story is in the video.',
  facebook: ({ ctas }) => `${ctas[0]?.text ?? ''} on our page.`,
  youtube: ({ ctas }) => `${ctas[1]?.text ?? ''} with the link below.`,
};

function altOf({ pen, topic, upstream }: Subject, frame: Frame, caption: string): string | null {
  if (frame.format !== 'image') return null;

  const [imageId] = frame.image_ids;
  const planned = upstream.pixel.images.find(({ id }) => id === imageId)?.alt ?? '';
  const [hook = ''] = caption.split('\n');
  return pen.write(planned || `Planned picture of ${topic} with the words: ${hook}`, { max: 125 });
}
