// The mechanical checks on Vision's output: counts, ties between its parts, and facts that tools measured.
import type { Check } from '../../../core/output.ts';
import { type Fault, repeatedIds, rule, unresolvedReferences } from '../envelope-checks.ts';
import { hostOf, pagesIn } from '../findings.ts';
import type { OutputFacts } from '../kind.ts';
import { stringsOf } from '../prose.ts';
import { sameAddress } from '../sources.ts';
import { wordCount } from '../wording.ts';
import type { VisionOutput } from './schema.ts';

const longestStatement = 40;
const leastProven = 0.8;

/** The checks on Vision's own data; the runner makes those of the envelope. Pure. */
export function checkVision(output: VisionOutput, facts: OutputFacts): Check[] {
  return [
    ...ids(output),
    ...audiences(output),
    ...pillars(output),
    ...proof(output, facts),
    ...wording(output),
    ...opportunities(output),
    ...competitors(output, facts),
    ...prices(output, facts),
  ];
}

function ids({ data }: VisionOutput): Check[] {
  return [
    ...repeatedIds(data.audiences.map(idOf), 'data.audiences'),
    ...repeatedIds(data.pillars.map(idOf), 'data.pillars'),
    ...repeatedIds(data.competitors.map(idOf), 'data.competitors'),
    ...repeatedIds(data.opportunities.map(idOf), 'data.opportunities'),
  ];
}

function idOf({ id }: { id: string }): string {
  return id;
}

function audiences({ data }: VisionOutput): Check[] {
  const count = data.audiences.length;
  const counted = count >= 2 && count <= 5 ? [] : [{ path: 'data.audiences', measured: count }];
  const pains = data.audiences.flatMap((audience, index) =>
    audience.pains.length >= 3
      ? []
      : [{ path: `data.audiences[${index}].pains`, measured: audience.pains.length }],
  );

  return [
    ...rule({ id: 'vision.audiences', path: 'data.audiences', limit: '2 to 5 audiences' }, counted),
    ...rule({ id: 'vision.pains', path: 'data.audiences', limit: 'at least 3 pains each' }, pains),
  ];
}

function pillars({ data }: VisionOutput): Check[] {
  const count = data.pillars.length;
  const counted = count >= 3 && count <= 5 ? [] : [{ path: 'data.pillars', measured: count }];
  const known = new Set(data.audiences.map(idOf));
  const untied = data.pillars.flatMap((pillar, index) => [
    ...(pillar.audience_ids.length > 0
      ? []
      : [{ path: `data.pillars[${index}].audience_ids`, measured: 'none' }]),
    ...(pillar.proof_evidence_ids.length > 0
      ? []
      : [{ path: `data.pillars[${index}].proof_evidence_ids`, measured: 'none' }]),
  ]);

  return [
    ...rule({ id: 'vision.pillars', path: 'data.pillars', limit: '3 to 5 pillars' }, counted),
    ...rule(
      {
        id: 'vision.pillar_ties',
        path: 'data.pillars',
        limit: 'at least one audience id and one evidence id each',
      },
      untied,
    ),
    ...data.pillars.flatMap((pillar, index) =>
      unresolvedReferences(
        pillar.audience_ids,
        known,
        `data.pillars[${index}].audience_ids`,
      ).filter(({ ok }) => !ok),
    ),
  ];
}

// Where the brief gives nothing to prove anything with, estimates are shown instead of sent back.
function proof({ data, evidence }: VisionOutput, { brief, findings }: OutputFacts): Check[] {
  const kinds = new Map(evidence.map(({ id, kind }) => [id, kind]));
  const used = [
    ...data.brand.proof.map((item) => item.evidence_id),
    ...data.pillars.flatMap((pillar) => pillar.proof_evidence_ids),
  ];
  const proven = used.filter((id) => kinds.get(id) !== 'model_estimate').length;
  const share = used.length === 0 ? 0 : proven / used.length;
  const hasMaterial =
    pagesIn(findings).length > 0 || brief.attachments.length > 0 || brief.description.length >= 200;

  return rule(
    {
      id: 'vision.proof',
      level: hasMaterial ? 'error' : 'warn',
      path: 'data.brand.proof',
      limit:
        'at least 80 % of the proof of brand and pillars rests on evidence other than model_estimate',
    },
    share >= leastProven
      ? []
      : [{ path: 'data.brand.proof', measured: `${Math.round(share * 100)} % of ${used.length}` }],
  );
}

function wording({ data }: VisionOutput): Check[] {
  const words = wordCount(data.positioning.statement);
  const adjectives = data.brand.voice.adjectives.length;

  return [
    ...rule(
      {
        id: 'vision.statement',
        path: 'data.positioning.statement',
        limit: `at most ${longestStatement} words`,
      },
      words <= longestStatement
        ? []
        : [{ path: 'data.positioning.statement', measured: `${words} words` }],
    ),
    ...rule(
      { id: 'vision.voice', path: 'data.brand.voice.adjectives', limit: '3 to 5 adjectives' },
      adjectives >= 3 && adjectives <= 5
        ? []
        : [{ path: 'data.brand.voice.adjectives', measured: adjectives }],
    ),
  ];
}

function opportunities({ data }: VisionOutput): Check[] {
  const faults = data.opportunities.flatMap(({ effort, impact, score }, index) =>
    Math.abs(score - impact / effort) <= 0.01
      ? []
      : [
          {
            path: `data.opportunities[${index}].score`,
            measured: score,
            limit: `impact / effort = ${(impact / effort).toFixed(2)}`,
          },
        ],
  );

  return rule(
    { id: 'vision.score', path: 'data.opportunities', limit: 'score = impact / effort' },
    faults,
  );
}

function competitors({ data }: VisionOutput, { brief, findings }: OutputFacts): Check[] {
  const reached = new Set(
    pagesIn(findings)
      .filter(({ status }) => status === null || status < 300)
      .map(({ url }) => hostOf(url)),
  );
  const own = brief.client?.domain === undefined ? null : hostOf(brief.client.domain);
  const few =
    data.competitors.length >= 2
      ? []
      : [{ path: 'data.competitors', measured: data.competitors.length }];
  const faults = data.competitors.flatMap(({ domain, status }, index): Fault[] => {
    const path = `data.competitors[${index}]`;
    const host = hostOf(domain);
    if (host === own)
      return [{ path: `${path}.domain`, measured: domain, limit: 'not the client itself' }];
    if (status === 'reached' && !reached.has(host)) {
      return [
        {
          path: `${path}.status`,
          measured: 'reached',
          limit: 'no tool read this domain: unreachable or not_checked',
        },
      ];
    }
    return status === 'unreachable' && reached.has(host)
      ? [{ path: `${path}.status`, measured: status, limit: 'reached: a tool read this domain' }]
      : [];
  });

  return [
    ...rule(
      {
        id: 'vision.competitors',
        level: 'warn',
        path: 'data.competitors',
        limit: '2 to 8 competitors',
      },
      few,
    ),
    ...rule(
      {
        id: 'vision.competitor',
        path: 'data.competitors',
        limit: 'a status that the tool calls bear out',
      },
      faults,
    ),
  ];
}

/** A price has to stand in the text that its evidence names: models remember prices that are long gone. */
function prices({ data, evidence }: VisionOutput, facts: OutputFacts): Check[] {
  const byId = new Map(evidence.map((item) => [item.id, item]));
  const faults = data.competitors.flatMap(({ prices: list }, place) =>
    list.flatMap(({ amount, evidence_id: id }, index) => {
      const item = byId.get(id);
      const text = item === undefined ? '' : sourceText(item, facts);
      return statesNumber(text, amount)
        ? []
        : [{ path: `data.competitors[${place}].prices[${index}]`, measured: amount }];
    }),
  );

  return rule(
    {
      id: 'vision.price',
      path: 'data.competitors',
      limit: 'a price whose evidence is a page, file or brief with this very number in its text',
    },
    faults,
  );
}

type Item = VisionOutput['evidence'][number];

function sourceText({ kind, url }: Item, { brief, findings }: OutputFacts): string {
  if (kind === 'brief') return JSON.stringify(brief);
  if (kind === 'page') {
    const pages = pagesIn(findings).filter((page) =>
      [page.url, page.final_url].some((address) => sameAddress(address) === sameAddress(url ?? '')),
    );
    return stringsOf(pages, '')
      .map(({ text }) => text)
      .join('\n');
  }
  return kind === 'upload' || kind === 'api' ? JSON.stringify(findings) : '';
}

/** True when the text has the number in any usual writing, such as 1,299.00 or 1.299 or 1299. */
export function statesNumber(text: string, amount: number): boolean {
  const numbers = text.match(/\d+(?:[.,'\u00a0\u202f ]\d{3})*(?:[.,]\d{1,2})?/g) ?? [];
  const whole = String(Math.trunc(Math.abs(amount)));
  const cents = Math.abs(amount).toFixed(2).split('.')[1] ?? '00';
  const wanted = new Set([
    `${whole}${cents}`,
    ...(cents === '00' ? [whole] : []),
    ...(cents.endsWith('0') ? [`${whole}${cents[0]}`] : []),
  ]);

  return numbers.some((number) => wanted.has(number.replace(/\D/g, '')));
}
