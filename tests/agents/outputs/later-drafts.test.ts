import { describe, expect, test } from 'vitest';

import type { OutputFacts } from '../../../src/agents/outputs/kind.ts';
import type { AnyOutput } from '../../../src/core/output.ts';
import { factsOf, fullBrief, hostileBriefs } from './hostile-facts.ts';
import { handoffs, stageOne } from './hostile-handoffs.ts';
import { echoKind, judgedDraft, pixelKind, reelKind, socialKind, wavesFacts } from './judged.ts';

type Judge = (facts: OutputFacts) => ReturnType<typeof judgedDraft>;

const judges: [string, Judge][] = [
  ['echo', (facts) => judgedDraft(echoKind, facts)],
  ['pixel', (facts) => judgedDraft(pixelKind, facts)],
  ['reel', (facts) => judgedDraft(reelKind, facts)],
  ['social', (facts) => judgedDraft(socialKind, facts)],
];

describe.each(judges)('the draft of %s', (agent, judge) => {
  test.each(hostileBriefs)('passes its schema and checks for %s', (_, brief) => {
    const failed = handoffs.flatMap(([name, rest]) =>
      judge(factsOf(brief, rest)).failed.map((check) => ({ name, ...check })),
    );

    expect(failed).toEqual([]);
  });

  test('is the same for the same brief', () => {
    const facts = factsOf(fullBrief, { handoff: stageOne });

    expect(judge(facts).output).toEqual(judge(facts).output);
  });

  test('survives a client who bans every word it used', () => {
    let banned: string[] = [];

    for (let round = 0; round < 3; round += 1) {
      const brand = { ...fullBrief.client.brand, banned_words: banned };
      const brief = { ...fullBrief, client: { ...fullBrief.client, brand } };
      const { output, failed } = judge(factsOf(brief, { handoff: stageOne }));
      expect(failed).toEqual([]);
      banned = [...new Set([...wordsOf(output), ...banned])].slice(0, 200);
    }
  });

  test('says that it was drafted by rules and is of low confidence', () => {
    const { output } = judge(factsOf(fullBrief));

    expect(output.confidence).toBe('low');
    expect(output.assumptions.join(' ')).toMatch(/by rules/);
    expect(output.agent).toBe(agent);
  });

  test('names what it lost with agents that failed or did not run', () => {
    const failed = judge(factsOf(fullBrief, { missing: ['vision'] })).output;
    const absent = judge(factsOf(fullBrief)).output;

    expect(failed.assumptions.join(' ')).toMatch(/vision failed/);
    expect(absent.assumptions.join(' ')).toMatch(/No output of the agent vision/);
  });
});

test('all waves together pass, each draft built on the ones before', () => {
  const { output, failed } = judgedDraft(socialKind, wavesFacts());

  expect(failed).toEqual([]);
  const used = output.uses.map((use) => use.upstream_id);
  expect(used).toEqual(expect.arrayContaining(['vision.pillars.P1', 'pixel.images.I1']));
  expect(output.data.posts.some((post) => post.headline_ids.length > 0)).toBe(true);
});

test('a copywriter uses the keywords, ad groups and audiences handed over', () => {
  const { output } = judgedDraft(echoKind, factsOf(fullBrief, { handoff: stageOne }));

  expect(output.data.headlines[0]).toMatchObject({ keyword_id: 'K1' });
  expect(output.data.rsa.map((ad) => ad.ad_group_id)).toEqual(['G1', 'G2']);
  expect(output.data.angles[0]).toMatchObject({ audience_id: 'A1', pillar_id: 'P1' });
});

test('a copywriter cites a page only when the tool has read it', () => {
  const input = { url: 'https://brewly.example/crate?ref=brief&x=1' };
  const answer = (status: number) => ({
    callId: 'c1',
    tool: 'audit_page',
    input,
    value: { ...input, status, title: 'The crate' },
    error: null,
  });

  const read = judgedDraft(echoKind, factsOf(fullBrief, { findings: [answer(200)] }));
  const gone = judgedDraft(echoKind, factsOf(fullBrief, { findings: [answer(404)] }));

  expect(read.failed).toEqual([]);
  expect(read.output.evidence.filter(({ kind }) => kind === 'page')).toHaveLength(1);
  expect(gone.failed).toEqual([]);
  expect(gone.output.evidence.filter(({ kind }) => kind === 'page')).toEqual([]);
});

test('a copywriter asks for the page that the copy leads to, and for none without an address', () => {
  expect(echoKind.wants(factsOf(fullBrief))).toEqual([
    { tool: 'audit_page', input: { url: 'https://brewly.example/crate?ref=brief&x=1' } },
  ]);
  expect(echoKind.wants(factsOf({ title: 'x', description: 'y' }))).toEqual([]);
});

function wordsOf({ summary, data }: AnyOutput): string[] {
  const found = JSON.stringify([summary, data]).match(/\p{L}{2,}/gu) ?? [];
  return found.map((word) => word.toLowerCase());
}
