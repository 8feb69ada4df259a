import { expect, test } from 'vitest';

import type { EchoOutput } from '../../../src/agents/outputs/echo/schema.ts';
import { factsOf, fullBrief } from './hostile-facts.ts';
import { stageOne } from './hostile-handoffs.ts';
import { echoKind, failedIds } from './judged.ts';

const facts = factsOf(fullBrief, { handoff: stageOne });

type Data = EchoOutput['data'];

function broken(change: (data: Data) => void): string[] {
  const output = structuredClone(echoKind.draft(facts));
  change(output.data);
  return failedIds(echoKind, output, facts);
}

const faults: [string, string, (data: Data) => void][] = [
  [
    'a search headline of 31 columns',
    'echo.rsa_headline_length',
    (data) => setRsa(data, 'a'.repeat(31)),
  ],
  [
    '16 wide characters in a headline',
    'echo.rsa_headline_length',
    (data) => setRsa(data, '咖'.repeat(16)),
  ],
  [
    'an exclamation mark in a headline',
    'echo.rsa_exclamation',
    (data) => setRsa(data, 'Buy it now!'),
  ],
  ['a word in capitals', 'echo.rsa_capitals', (data) => setRsa(data, 'HURRY today')],
  [
    'a headline twice',
    'echo.rsa_unique',
    (data) => setRsa(data, data.rsa[0]?.headlines[1]?.text.toUpperCase() ?? ''),
  ],
  ['two search headlines only', 'echo.rsa_headlines', (data) => data.rsa[0]?.headlines.splice(2)],
  [
    'five descriptions',
    'echo.rsa_descriptions',
    (data) => data.rsa[0]?.descriptions.push({ text: 'five' }),
  ],
  [
    'a description of 91 columns',
    'echo.rsa_description_length',
    (data) => set(data.rsa[0]?.descriptions[0], { text: 'b'.repeat(91) }),
  ],
  [
    'two exclamation marks in a description',
    'echo.rsa_exclamation',
    (data) => set(data.rsa[0]?.descriptions[0], { text: 'Go! Now!' }),
  ],
  ['a path of 16', 'echo.rsa_path_length', (data) => set(data.rsa[0], { path1: 'p'.repeat(16) })],
  [
    'a Meta text of 2,201',
    'echo.meta_primary_text',
    (data) => set(data.meta[0], { primary_text: 'm'.repeat(2201) }),
  ],
  [
    'a Meta headline of 41',
    'echo.meta_headline_advised',
    (data) => set(data.meta[0], { headline: 'm'.repeat(41) }),
  ],
  [
    'a LinkedIn introduction of 601',
    'echo.linkedin_intro',
    (data) => set(data.linkedin[0], { intro: 'l'.repeat(601) }),
  ],
  [
    'a LinkedIn headline of 71',
    'echo.linkedin_headline_advised',
    (data) => set(data.linkedin[0], { headline: 'l'.repeat(71) }),
  ],
  [
    'a meta title of 61',
    'echo.meta_title',
    (data) => set(data.landing, { meta_title: 't'.repeat(61) }),
  ],
  [
    'a meta description of 161',
    'echo.meta_description',
    (data) => set(data.landing, { meta_description: 't'.repeat(161) }),
  ],
  [
    'a subject of 61',
    'echo.subject_advised',
    (data) => set(data.emails[0], { subject: 's'.repeat(61) }),
  ],
  [
    'a preheader of 34',
    'echo.preheader',
    (data) => set(data.emails[0], { preheader: 'p'.repeat(34) }),
  ],
  [
    'a preheader of 111',
    'echo.preheader',
    (data) => set(data.emails[0], { preheader: 'p'.repeat(111) }),
  ],
  ['a text message of 161', 'echo.sms', (data) => set(data.sms[0], { text: 's'.repeat(161) })],
  [
    'a text message of 71 with an emoji',
    'echo.sms',
    (data) => set(data.sms[0], { text: `☕${'s'.repeat(70)}` }),
  ],
  [
    'two headlines alike',
    'echo.headline_variety',
    (data) => set(data.headlines[1], { text: `${data.headlines[0]?.text}?` }),
  ],
  ['no headline with a keyword', 'echo.headline_keyword', withoutKeywords],
  [
    'two angles of one name',
    'echo.angle_variety',
    (data) => set(data.angles[1], { name: data.angles[0]?.name ?? '' }),
  ],
  ['a weak call to action', 'echo.cta', (data) => set(data.ctas[0], { text: 'Learn more.' })],
  [
    'a weak button in an e-mail',
    'echo.cta',
    (data) => set(data.emails[0]?.cta, { label: 'CLICK HERE' }),
  ],
  [
    'a supported claim without evidence',
    'echo.claim_supported',
    (data) => set(data.claims[0], { status: 'supported', evidence_id: null }),
  ],
  [
    'an open claim in copy marked as ready',
    'echo.claim_open',
    (data) => set(data, { client_ready: true }),
  ],
  [
    'hard words for easy readers',
    'echo.reading_grade',
    (data) =>
      set(data.emails[0], {
        body_md:
          'Organisational internationalisation necessitates interdisciplinary administration. '.repeat(
            5,
          ),
      }),
  ],
  [
    'an angle that is not there',
    'echo.own_reference',
    (data) => set(data.headlines[0], { angle_id: 'N99' }),
  ],
  [
    'a test of a headline against itself',
    'echo.own_reference',
    (data) => set(data.ab_tests[0], { b_id: data.ab_tests[0]?.a_id ?? '' }),
  ],
  [
    'an audience nobody handed over',
    'reference.vision.audiences',
    (data) => set(data.angles[0], { audience_id: 'A99' }),
  ],
  [
    'a keyword nobody handed over',
    'reference.apex.keywords',
    (data) => set(data.headlines[0], { keyword_id: 'K99' }),
  ],
  [
    'an ad group nobody handed over',
    'reference.apex.ad_groups',
    (data) => set(data.rsa[0], { ad_group_id: 'G99' }),
  ],
  [
    'a KPI nobody handed over',
    'reference.nova.kpis',
    (data) => set(data.ctas[0], { kpi_id: 'M99' }),
  ],
  ['an id twice', 'id.unique', (data) => set(data.headlines[1], { id: 'H1' })],
];

test.each(faults)('finds %s', (_, id, change) => {
  expect(broken(change)).toContain(id);
});

test('finds nothing in the draft as it is', () => {
  expect(broken(() => undefined)).toEqual([]);
});

test('says which place to mend, what was measured and what the limit is', () => {
  const output = structuredClone(echoKind.draft(facts));
  setRsa(output.data, 'a'.repeat(31));

  const [failed] = echoKind.check(output, facts).filter((check) => !check.ok);

  expect(failed).toMatchObject({
    level: 'error',
    path: 'data.rsa[0].headlines[0].text',
    measured: expect.stringContaining('31'),
    limit: expect.stringContaining('30'),
  });
});

test('asks for no reference to agents that handed nothing over, and allows none', () => {
  const alone = factsOf(fullBrief);
  const output = echoKind.draft(alone);
  set(output.data.angles[0], { audience_id: 'A1' });

  const failed = echoKind.check(output, alone).filter((check) => !check.ok);

  expect(failed.map(({ limit }) => limit)).toEqual([
    expect.stringContaining('handed nothing over'),
  ]);
});

test('leaves the client’s own name in capitals alone', () => {
  const brief = { ...fullBrief, client: { ...fullBrief.client, name: 'BREWLY' } };
  const named = factsOf(brief);
  const output = echoKind.draft(named);
  setRsa(output.data, 'BREWLY for offices');

  expect(failedIds(echoKind, output, named)).toEqual([]);
});

function set<Item extends object>(item: Item | undefined, fields: Partial<Item>): void {
  if (item === undefined) throw new Error('the draft lacks what this test changes');
  Object.assign(item, fields);
}

function setRsa(data: Data, text: string): void {
  set(data.rsa[0]?.headlines[0], { text });
}

function withoutKeywords(data: Data): void {
  const texts = ['Alpine', 'Bison', 'Cobalt', 'Dune', 'Elm', 'Fjord', 'Gull', 'Heron'];
  data.headlines.forEach((headline, index) => set(headline, { text: texts[index] ?? 'Ibis' }));
  data.rsa.forEach((ad) =>
    ad.headlines.forEach((headline, index) =>
      set(headline, { text: texts[index] ?? `Jay ${index}` }),
    ),
  );
}
