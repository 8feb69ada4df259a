import { parse } from 'csv-parse/sync';
import { describe, expect, test } from 'vitest';

import { byRulesLine } from '../../../src/agents/outputs/files.ts';
import type { FileContext, OutputFacts } from '../../../src/agents/outputs/kind.ts';
import type { DeliverableFile } from '../../../src/core/run.ts';
import { factsOf, fullBrief, hostileBriefs } from './hostile-facts.ts';
import {
  echoKind,
  filesOf,
  pixelKind,
  reelKind,
  socialKind,
  textOf,
  wavesFacts,
} from './judged.ts';

type Maker = (facts: OutputFacts, about?: Partial<FileContext>) => DeliverableFile[];

const makers: [string, Maker][] = [
  ['echo', (facts, about) => filesOf(echoKind, facts, about)],
  ['pixel', (facts, about) => filesOf(pixelKind, facts, about)],
  ['reel', (facts, about) => filesOf(reelKind, facts, about)],
  ['social', (facts, about) => filesOf(socialKind, facts, about)],
];

describe.each(makers)('the files of %s', (agent, make) => {
  test.each(hostileBriefs)('open for %s', (_, brief) => {
    const files = make(factsOf(brief));

    expect(files.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['doc', 'sheet', 'json']));
    expect(new Set(files.map(({ name }) => name)).size).toBe(files.length);
    for (const { name, kind, content } of files) {
      expect(name).toMatch(/^[a-z0-9.-]+$/);
      expect(content).not.toBe('');
      if (kind === 'json') JSON.parse(String(content));
      if (kind === 'sheet') expect(lastColumn(String(content))).toEqual(new Set(['rules']));
    }
  });

  test('say everywhere that rules drafted them', () => {
    const files = make(factsOf(fullBrief)).filter(({ name }) => !/\.(csv|srt)$/.test(name));

    const unlabelled = files.filter(
      ({ content }) => !unfolded(String(content)).includes(byRulesLine),
    );
    expect(unlabelled.map(({ name }) => name)).toEqual([]);
  });

  test('name the model when one wrote them, and no rules', () => {
    const about = { byRules: false, model: 'some-model' };
    const files = make(factsOf(fullBrief), about);

    expect(files.some(({ content }) => String(content).includes(byRulesLine))).toBe(false);
    expect(textOf(files, `${agent}-output.json`)).toContain('"drafted_by": "some-model"');
  });

  test('show markup of the brief as text', () => {
    const brief = {
      ...fullBrief,
      title: '<img src=x onerror=alert(1)> | pipe',
      description: '<b>bold</b>',
    };
    const shown = make(factsOf(brief)).filter(({ kind }) => kind === 'doc' || kind === 'html');

    expect(shown.filter(({ content }) => /<(?:img|b)[ >]/.test(String(content)))).toEqual([]);
  });
});

test('the documents carry client, brief, date, evidence, assumptions and open questions', () => {
  const text = textOf(filesOf(echoKind, factsOf(fullBrief)), 'echo-copy-deck.md');

  expect(text).toMatch(/^# Copy deck\n\n- Client: Brewly\n- Brief: Autumn.*\n- Date: 2026-11-22\n/);
  expect(text).toMatch(/## Assumptions[\s\S]*## Open questions[\s\S]*## Evidence[\s\S]*\| E1 \|/);
});

test('the calendar holds one event for each post, in lines that calendars accept', () => {
  const facts = wavesFacts();
  const text = textOf(filesOf(socialKind, facts), 'calendar.ics');
  const posts = socialKind.draft(facts).data.posts;

  const lines = text.split('\r\n');
  expect(lines.every((line) => Buffer.byteLength(line) <= 75 && !line.includes('\n'))).toBe(true);
  expect(lines.filter((line) => line === 'BEGIN:VEVENT')).toHaveLength(posts.length);
  expect(new Set(lines.filter((line) => line.startsWith('UID:'))).size).toBe(posts.length);
  expect(unfolded(text)).toContain(`DTSTART:${posts[0]?.at.slice(0, 10).replaceAll('-', '')}T`);
  expect(text).toMatch(/^BEGIN:VCALENDAR\r\nVERSION:2\.0\r\n[\s\S]*END:VCALENDAR\r\n$/);
});

test('the subtitles are numbered, in order and within the video', () => {
  const files = filesOf(reelKind, factsOf(fullBrief));
  const text = textOf(files, 'v1-15s.srt');

  const cues = text.trim().split('\n\n');
  expect(cues.map((cue) => Number(cue.split('\n')[0]))).toEqual(cues.map((_, index) => index + 1));
  const times = cues.flatMap((cue) => (cue.split('\n')[1] ?? '').split(' --> '));
  expect(times).toEqual(times.toSorted());
  expect(times.at(-1)).toBe('00:00:15,000');
  expect(textOf(files, 'v1-15s.vtt')).toMatch(/^WEBVTT\n\nNOTE Draft by rules/);
});

test('the scheduler sheet holds what each platform is to publish', () => {
  const text = textOf(filesOf(socialKind, wavesFacts()), 'scheduler.csv');
  const rows: Record<string, string>[] = parse(text, { columns: true });

  expect(Object.keys(rows[0] ?? {})).toEqual(
    expect.arrayContaining(['platform', 'date', 'time_utc', 'text', 'link', 'drafted_by']),
  );
  expect(rows[0]?.['link']).toContain('utm_campaign=autumn');
});

test('the sheets keep a spreadsheet from running what a brief says', () => {
  const brief = { ...fullBrief, offer: { what: '=HYPERLINK("http://x.example")' } };
  const cells = filesOf(echoKind, factsOf(brief))
    .filter(({ kind }) => kind === 'sheet')
    .flatMap(({ content }) => parse(String(content)).flat());

  expect(cells.filter((cell) => /^[=+@]/.test(String(cell)))).toEqual([]);
});

test('an e-mail keeps a link as it is and escapes it for HTML', () => {
  const text = textOf(filesOf(echoKind, factsOf(fullBrief)), 'email-1.html');

  expect(text).toContain('<a href="https://brewly.example/crate?ref=brief&amp;x=1">');
});

function lastColumn(csv: string): Set<string> {
  const rows: string[][] = parse(csv);
  const [head, ...body] = rows;
  expect(head?.at(-1)).toBe('drafted_by');
  return new Set(['rules', ...body.map((row) => row.at(-1) ?? '')]);
}

// Calendars fold long lines and escape commas.
function unfolded(text: string): string {
  return text.replaceAll('\r\n ', '').replaceAll('\\,', ',');
}
