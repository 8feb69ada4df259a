// What tools found for the usual brief, the facts of a draft, and the verdict on it.
import { envelopeChecks } from '../../../src/agents/outputs/envelope-checks.ts';
import type {
  FileContext,
  OutputFacts,
  OutputKind,
  ToolFinding,
} from '../../../src/agents/outputs/kind.ts';
import type { Brief } from '../../../src/core/brief.ts';
import type { AnyOutput, Check } from '../../../src/core/output.ts';

export function factsOf(brief: Brief, more: Partial<OutputFacts> = {}): OutputFacts {
  return {
    brief,
    handoff: {},
    missing: [],
    findings: [],
    submittedAt: '2026-11-22T22:00:00.000Z',
    ...more,
  };
}

/** A page's audit as the tool answers it. */
export function auditOf(url: string, more: Record<string, unknown> = {}): ToolFinding {
  const value = {
    url,
    final_url: url,
    status: 200,
    title: 'Kaldi',
    description: '',
    canonical: null,
    h1: ['Fresh beans', 'A second first heading'],
    headings: [
      { level: 1, text: 'Fresh beans' },
      { level: 2, text: 'Our espresso box' },
      { level: 2, text: 'Prices' },
    ],
    images: { count: 3, without_alt: ['/a.png'] },
    links: { internal: 12, external: 3, broken_format: [] },
    structured_data: ['Organization'],
    open_graph: { 'og:site_name': 'Kaldi' },
    word_count: 320,
    lang: 'en',
    text_excerpt: 'Fresh beans for 24.00 a month. Write to hello@kaldi.example.',
    issues: [
      {
        rule: 'title_length',
        severity: 'error',
        measured: 5,
        limit: '30 to 60',
        fix: 'Write a title of 30 to 60 characters.',
      },
      {
        rule: 'description_missing',
        severity: 'warn',
        measured: 0,
        limit: '70 to 160',
        fix: 'Write a description.',
      },
    ],
    retrieved_at: '2026-11-22T22:01:00.000Z',
    ...more,
  };
  return { callId: `call-${url}`, tool: 'audit_page', input: { url }, value, error: null };
}

export function failedAudit(url: string): ToolFinding {
  return {
    callId: `call-${url}`,
    tool: 'audit_page',
    input: { url },
    value: null,
    error: 'no answer',
  };
}

/** A profile of `sales.csv` as `read_table` answers it, with broken rows, a gap and customers' addresses. */
export function tableOf(more: Record<string, unknown> = {}): ToolFinding {
  const number = (name: string, sum: number) => ({
    name,
    type: 'number',
    filled: 90,
    empty: 0,
    distinct: 80,
    min: 0,
    max: sum / 10,
    sum,
    mean: sum / 90,
    examples: ['1', '2'],
  });
  const value = {
    file: 'sales.csv',
    rows: 90,
    broken_rows: [{ line: 7, problem: 'has 2 fields, not 6' }],
    columns: [
      {
        name: 'date',
        type: 'date',
        filled: 90,
        empty: 0,
        distinct: 90,
        min: '2026-01-01',
        max: '2026-03-31',
        sum: null,
        mean: null,
        examples: ['2026-01-01'],
      },
      number('impressions', 120_000),
      number('sessions', 9_000),
      number('orders', 180),
      number('ad cost', 4_500.5),
      {
        name: 'customer_email',
        type: 'text',
        filled: 60,
        empty: 30,
        distinct: 60,
        min: null,
        max: null,
        sum: null,
        mean: null,
        examples: ['jane.doe@mail.example'],
      },
      {
        name: 'customer name',
        type: 'text',
        filled: 60,
        empty: 30,
        distinct: 60,
        min: null,
        max: null,
        sum: null,
        mean: null,
        examples: ['Jane Doe'],
      },
    ],
    date_from: '2026-01-01',
    date_to: '2026-03-31',
    gaps: [{ column: 'date', from: '2026-02-03', to: '2026-02-05', missing_days: 3 }],
    sample: [{ date: '2026-01-01', customer_email: 'jane.doe@mail.example' }],
    ...more,
  };
  return {
    callId: 'call-table',
    tool: 'read_table',
    input: { file: value.file },
    value,
    error: null,
  };
}

/** Everything that went well and badly for the usual brief. */
export const usualFindings: ToolFinding[] = [
  auditOf('https://kaldi.example/'),
  auditOf('https://kaldi.example/box', { title: 'The barista box' }),
  auditOf('https://rival.example/', {
    title: 'Rival',
    description: 'Beans by post',
    open_graph: {},
  }),
  failedAudit('https://gone.example/'),
  tableOf(),
];

/** Every check that the runner makes on an output. */
export function verdict<Output extends AnyOutput>(
  kind: OutputKind<Output>,
  output: Output,
  facts: OutputFacts,
): Check[] {
  return [...envelopeChecks(output, facts), ...kind.check(output, facts)];
}

export function failures(checks: Check[], level: Check['level'] = 'error'): Check[] {
  return checks.filter((check) => !check.ok && check.level === level);
}

export function contextOf(brief: Brief, byRules: boolean): FileContext {
  return { brief, checks: [], byRules, model: byRules ? null : 'some-model' };
}

/** The first item of a list that must have one. */
export function first<Item>(items: Item[]): Item {
  const [item] = items;
  if (item === undefined) throw new Error('the draft has no such item');
  return item;
}
