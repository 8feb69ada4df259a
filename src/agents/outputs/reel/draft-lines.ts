// Drafts the lines of each cut: what is spoken fits its seconds, and no cut repeats another.
import { countWords, graphemes } from '../lengths.ts';
import type { Room } from '../pen.ts';
import { similarity } from '../similarity.ts';
import type { Subject } from '../subject.ts';
import type { ScriptLine, Video } from './schema.ts';

export type Cut = {
  platform: Video['platform'];
  seconds: number;
  aspect: Video['aspect'];
  hookKind: string;
  /** When each line ends, in seconds; the last one is the call to action, in the last fifth. */
  ends: number[];
};

export const cuts: Cut[] = [
  { platform: 'tiktok', seconds: 15, aspect: '9:16', hookKind: 'question', ends: [3, 7.5, 12, 15] },
  {
    platform: 'instagram',
    seconds: 30,
    aspect: '9:16',
    hookKind: 'scene',
    ends: [3, 10, 17, 24, 30],
  },
  {
    platform: 'youtube',
    seconds: 60,
    aspect: '16:9',
    hookKind: 'promise',
    ends: [3, 12, 21, 30, 39, 48, 60],
  },
];

export const shotPlans = [
  {
    size: 'close-up',
    camera: 'Still, at eye level',
    place: 'Where the day begins',
    props: ['On the table'],
    cast: ['One speaker'],
    note: 'The first frame has to tell the subject without sound.',
  },
  {
    size: 'medium',
    camera: 'Slow move to the front',
    place: 'Where it is used',
    props: ['In use'],
    cast: ['One person who uses it'],
    note: 'Hands in frame, daylight from the side.',
  },
  {
    size: 'wide',
    camera: 'Still, on a stand',
    place: 'The same place from further away',
    props: ['In the room'],
    cast: ['One person who uses it'],
    note: 'Leave room at the top and the bottom for buttons and subtitles.',
  },
  {
    size: 'close-up',
    camera: 'From above',
    place: 'On the table',
    props: ['The details'],
    cast: [],
    note: 'Detail of what the line says; no logos of others.',
  },
  {
    size: 'medium',
    camera: 'Still, into the lens',
    place: 'Where the day begins',
    props: ['The name and the address on screen'],
    cast: ['One speaker'],
    note: 'Hold for two seconds after the last word.',
  },
];

type LinePlan = { cut: Cut; index: number; used: string[] };

/** The lines of one cut. What was spoken in cuts before is in `used`, which grows. */
export function draftLines(subject: Subject, { cut, index, used }: LinePlan): ScriptLine[] {
  const { pen, ctas, topic } = subject;
  const last = cut.ends.length - 1;
  const ctaText = ctas[index % ctas.length]?.text ?? topic;

  return cut.ends.map((t1, position) => {
    const t0 = cut.ends[position - 1] ?? 0;
    const spoken = candidatesFor(subject, { position, last, index });
    const vo =
      position === last ? ctaText : spokenText(subject, { spoken, seconds: t1 - t0, used });
    const shot = position === last ? shotPlans.length : (position % (shotPlans.length - 1)) + 1;
    return {
      t0,
      t1,
      vo,
      on_screen: pen.write(firstPart(vo), { max: 56, measure: screenRoom }),
      visual: pen.write(visuals[position % visuals.length] ?? topic, { max: 200 }),
      sound: null,
      shot_id: `SH${shot}`,
    };
  });
}

type Spoken = { spoken: string[]; seconds: number; used: string[] };

// A whole sentence where one fits, else the start of one.
function spokenText({ pen }: Subject, { spoken, seconds, used }: Spoken): string {
  const room: Room = { max: seconds * 1000, measure: speakingMs };
  const fits = (text: string) => speakingMs(text) <= room.max;
  const told = spoken.filter((candidate) => candidate.trim() !== '');
  const [text = ''] = pen.pick(
    1,
    [...told.filter(fits), ...told.map((candidate) => pen.write(candidate, room))],
    (candidate) => fits(candidate) && used.every((other) => similarity(candidate, other) < 0.7),
  );
  used.push(text);
  return text;
}

// What stands before the first break, for the screen holds fewer words than the ear.
function firstPart(text: string): string {
  if (screenRoom(text) <= 56) return text;
  return text.split(/(?<=[.,;:!?])\s/)[0] ?? text;
}

// About 130 words a minute, and no more characters than subtitles can show.
function speakingMs(text: string): number {
  return Math.max(countWords(text) * 460, graphemes(text) * 70);
}

// Eight words of seven letters.
function screenRoom(text: string): number {
  return Math.max(countWords(text) * 7, graphemes(text));
}

type Place = { position: number; last: number; index: number };

function candidatesFor(subject: Subject, { position, index }: Place): string[] {
  const { topic, offer, plainSentences, upstream, audience } = subject;
  const headlines = upstream.echo.headlines.map(({ text }) => text);
  const phrases = upstream.vision.audiences.flatMap((item) => item.phrases_they_use);
  const pains = upstream.vision.audiences.flatMap((item) => item.pains);
  const openers = [
    [`What is ${topic}?`, 'A question for you.'],
    ['An ordinary day starts here.', `Picture this: ${topic}.`],
    [`The story of ${topic}.`, 'Stay for the whole story.'],
  ];
  if (position === 0) {
    return [...phrases, ...(openers[index] ?? []), ...headlines, 'One minute, one answer.'];
  }

  const told = [pains[index] ?? '', offer, ...plainSentences];
  const start = (position - 1 + index) % told.length;
  return [
    ...told.slice(start),
    ...told.slice(0, start),
    audience === null ? '' : `It is made for ${audience}.`,
    'Here is what changes, told plainly.',
    'No jargon, only what you need to decide.',
    'Ask us what you would ask a colleague.',
    'See it once, then compare it with your day.',
    'The details are on our page.',
    'Take your time and decide tomorrow.',
  ];
}

const visuals = [
  'The speaker looks into the lens; the subject is in frame from the first moment.',
  'Hands at work, close enough to see what happens.',
  'The whole room, so that viewers see where they are.',
  'A detail that belongs to the line being spoken.',
  'The same person before and after, in one move of the camera.',
  'Faces that listen, without words.',
];
