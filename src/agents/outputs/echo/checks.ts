// The copywriter's mechanical checks: lengths of every platform, keywords, variety, claims, references.
import type { Check } from '../../../core/output.ts';
import { repeatedIds, rule } from '../envelope-checks.ts';
import { type Placed, placed, repeated, tooAlike } from '../faults.ts';
import { holding, keywordsThatFit } from '../keywords.ts';
import type { OutputFacts } from '../kind.ts';
import { countWords } from '../lengths.ts';
import { isWeakCta } from '../subject.ts';
import { referenceChecks } from '../upstream.ts';
import { adChecks, rsaHeadlines } from './ad-checks.ts';
import { messageChecks } from './message-checks.ts';
import { readingGrade } from './readability.ts';
import { ownReferences, upstreamReferences } from './references.ts';
import type { EchoData, EchoOutput } from './schema.ts';

/** Every check on a copywriter's output beyond its schema and the checks shared by all agents. Pure. */
export function checkEcho(output: EchoOutput, facts: OutputFacts): Check[] {
  const { data } = output;

  return [
    ...idChecks(data),
    ...referenceChecks(upstreamReferences(data), facts),
    ...ownReferenceChecks(data),
    ...headlineChecks(data, facts),
    ...adChecks(data, facts),
    ...messageChecks(data),
    ...ctaChecks(data),
    ...claimChecks(output),
    ...readingChecks(data, facts),
  ];
}

function idChecks(data: EchoData): Check[] {
  return (['angles', 'headlines', 'meta', 'linkedin', 'ctas'] as const).flatMap((list) =>
    repeatedIds(
      data[list].map(({ id }) => id),
      `data.${list}`,
    ),
  );
}

function ownReferenceChecks(data: EchoData): Check[] {
  const faults = ownReferences(data).flatMap(({ path, id, known }) =>
    known.includes(id)
      ? []
      : [{ path, measured: id, limit: `one of: ${known.slice(0, 30).join(', ')}` }],
  );

  return rule({ id: 'echo.own_reference', path: 'data', limit: 'an id of this output' }, faults);
}

function headlineChecks(data: EchoData, facts: OutputFacts): Check[] {
  const headlines = placed('data.headlines', data.headlines, ({ text }) => ({
    field: '.text',
    text,
  }));
  const angles = placed('data.angles', data.angles, ({ name, insight }) => ({
    field: '',
    text: `${name} ${insight}`,
  }));
  const names = placed('data.angles', data.angles, ({ name }) => ({ field: '.name', text: name }));
  const all = [...headlines, ...rsaHeadlines(data)].map(({ text }) => text);
  const terms = keywordsThatFit(facts);
  const found = holding(all, terms).length;
  const hasEnough = terms.length === 0 || found >= 3;

  return [
    ...rule(
      { id: 'echo.headline_variety', path: 'data.headlines', limit: 'less than 0.6 alike' },
      tooAlike(headlines, 0.6),
    ),
    ...rule(
      { id: 'echo.headline_unique', path: 'data.headlines', limit: 'each headline once' },
      repeated(headlines),
    ),
    ...rule(
      { id: 'echo.angle_variety', path: 'data.angles', limit: 'own name; less than 0.8 alike' },
      [...repeated(names), ...tooAlike(angles, 0.8)],
    ),
    ...rule(
      {
        id: 'echo.headline_keyword',
        path: 'data.headlines',
        limit: `at least 3 headlines hold a priority-1 keyword: ${terms.slice(0, 10).join('; ')}`,
      },
      hasEnough ? [] : [{ path: 'data.headlines', measured: `${found} headlines` }],
    ),
  ];
}

function ctaChecks(data: EchoData): Check[] {
  const ctas: Placed[] = [
    ...placed('data.ctas', data.ctas, ({ text }) => ({ field: '.text', text })),
    ...placed('data.meta', data.meta, ({ cta }) => ({ field: '.cta', text: cta })),
    ...placed('data.linkedin', data.linkedin, ({ cta }) => ({ field: '.cta', text: cta })),
    ...placed('data.emails', data.emails, ({ cta }) => ({ field: '.cta.label', text: cta.label })),
    { path: 'data.landing.hero.cta', text: data.landing.hero.cta },
  ];
  const faults = ctas
    .filter(({ text }) => isWeakCta(text))
    .map(({ path, text }) => ({ path, measured: text }));

  return rule(
    {
      id: 'echo.cta',
      path: 'data',
      limit: 'says what follows: not "learn more", "click here" or "submit"',
    },
    faults,
  );
}

function claimChecks({ data, evidence }: EchoOutput): Check[] {
  const known = new Set(evidence.map(({ id }) => id));
  const unproven = data.claims.flatMap(({ evidence_id: id, status }, index) =>
    status === 'supported' && (id === null || !known.has(id))
      ? [{ path: `data.claims[${index}].evidence_id`, measured: id ?? 'null' }]
      : [],
  );
  const open = data.claims.flatMap(({ text, status }, index) =>
    data.client_ready && status === 'needs_proof'
      ? [{ path: `data.claims[${index}].status`, measured: `needs_proof: "${text.slice(0, 60)}"` }]
      : [],
  );

  return [
    ...rule(
      {
        id: 'echo.claim_supported',
        path: 'data.claims',
        limit: 'a supported claim names an id of `evidence`',
      },
      unproven,
    ),
    ...rule(
      {
        id: 'echo.claim_open',
        path: 'data.claims',
        limit: 'no claim needs proof when client_ready is true: prove it, remove it, or set false',
      },
      open,
    ),
  ];
}

function readingChecks(data: EchoData, { brief }: OutputFacts): Check[] {
  const max = brief.client?.max_reading_grade;
  const isEnglish = (brief.client?.locale ?? 'en').startsWith('en');
  if (max === undefined || !isEnglish) return [];

  const texts: Placed[] = [
    ...placed('data.emails', data.emails, ({ body_md: text }) => ({ field: '.body_md', text })),
    ...placed('data.landing.sections', data.landing.sections, ({ body: text }) => ({
      field: '.body',
      text,
    })),
  ];
  // Of a few words the formula tells nothing.
  const long = texts.filter(({ text }) => countWords(text) >= 20);
  const faults = long.flatMap(({ path, text }) => {
    const grade = readingGrade(text);
    return grade > max ? [{ path, measured: grade }] : [];
  });

  // A formula can only hint at how hard a text is, so it never sends work back.
  return rule(
    { id: 'echo.reading_grade', level: 'warn', path: 'data', limit: `grade ${max} at most` },
    faults,
  );
}
