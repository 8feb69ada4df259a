// Drafts Nova's output by rules: totals and ratios of the tables that were read, or a measurement plan only.
import { drafted } from '../drafted.ts';
import { type TableFinding, tablesIn } from '../findings.ts';
import type { OutputFacts } from '../kind.ts';
import { gatherMaterial, type Material } from '../material.ts';
import { counted, oneLine, trimTo } from '../wording.ts';
import {
  columnBaselines,
  daysOf,
  funnelOf,
  measured,
  ratioBaselines,
  unworkedRatios,
} from './measures.ts';
import { draftAttribution, draftKpis, draftTrackingPlan } from './plan.ts';
import { shownName } from './privacy.ts';
import { samplePerArm } from './sample-size.ts';
import {
  type Baseline,
  type Experiment,
  type Insight,
  type Kpi,
  type NovaData,
  NovaOutput,
} from './schema.ts';

/** Tables beyond these are listed as sources only. */
const maxTables = 5;

export function draftNova(facts: OutputFacts): NovaOutput {
  const material = gatherMaterial(facts);
  const tables = tablesIn(facts.findings);
  const data = dataOf(material, tables);

  return NovaOutput.parse(
    drafted(facts, {
      agent: 'nova',
      summary: summaryOf(material, data),
      data,
      evidence: material.ledger.all(),
      assumptions: [...assumptionsOf(material, data), ...unworkedIn(tables)],
      openQuestions: questionsOf(material, data),
    }),
  );
}

function dataOf({ brief, banned, ledger }: Material, tables: TableFinding[]): NovaData {
  const read = tables.slice(0, maxTables).map(measured);
  const baselines = read.flatMap((one) => [
    ...ratioBaselines(one, ledger),
    ...columnBaselines(one.table, ledger),
  ]);
  const kpis = draftKpis(brief.objective, baselines);
  const funnel = read.map((one) => funnelOf(one, ledger)).find((stages) => stages.length > 0) ?? [];

  return {
    sources: sourcesOf(tables),
    baselines,
    kpis,
    funnel,
    insights: insightsOf(baselines, tables),
    anomalies: [],
    segments: [],
    tracking_plan: draftTrackingPlan(brief.objective, banned),
    experiments: experimentsOf(kpis, tables),
    kill_criteria: limitsOf(kpis),
    forecast: [],
    attribution: draftAttribution(brief.objective),
  };
}

function sourcesOf(tables: TableFinding[]): NovaData['sources'] {
  return tables.slice(0, 30).map((table, index) => ({
    id: `T${index + 1}`,
    kind: 'upload',
    file: table.file,
    rows: Math.max(0, Math.trunc(table.rows)),
    date_from: table.date_from,
    date_to: table.date_to,
    columns: table.columns
      .slice(0, 200)
      .map(({ name }, place) => trimTo(shownName(name, place), 80)),
    quality: qualityOf(table),
  }));
}

function qualityOf({
  broken_count: brokenCount,
  broken_rows: brokenRows,
  columns,
  gaps,
}: TableFinding): NovaData['sources'][number]['quality'] {
  const holes = columns
    .map((column, place) => ({ ...column, name: shownName(column.name, place) }))
    .filter(({ empty }) => empty > 0)
    .slice(0, 20);
  const broken = Math.trunc(brokenCount ?? brokenRows.length);

  return [
    ...(broken > 0
      ? [{ issue: 'Rows that cannot be read, left out of all figures', rows: broken }]
      : []),
    ...gaps.slice(0, 10).map((gap) => ({
      issue: `No rows from ${gap.from} to ${gap.to} (${gap.missing_days} days)`,
      rows: null,
    })),
    ...holes.map(({ name, empty }) => ({
      issue: `Empty cells in ${trimTo(name, 60)}`,
      rows: Math.trunc(empty),
    })),
  ];
}

function insightsOf(baselines: Baseline[], tables: TableFinding[]): Insight[] {
  const ratios = baselines.filter(({ formula }) => formula?.includes(' / ') === true).slice(0, 4);
  const told = ratios.map(({ metric, value, unit, period, evidence_id: id }) => ({
    headline: `${metric} is ${unit === 'rate' ? `${rounded(value * 100)} %` : rounded(value)} over ${period}.`,
    so_what:
      'It is the level that any change has to beat; one figure over the whole time hides ups and downs.',
    action: 'Look at it week by week and by channel before money is moved.',
    est_impact: null,
    confidence: 'medium' as const,
    evidence_ids: [id],
  }));
  const gap = tables.find(({ gaps, broken_rows: broken }) => gaps.length > 0 || broken.length > 0);
  const [first] = baselines;

  return gap === undefined || first === undefined
    ? told
    : [
        ...told,
        {
          headline: `${trimTo(oneLine(gap.file), 60)} has days without rows or rows that cannot be read.`,
          so_what: 'Totals are too low by what is missing there.',
          action: 'Export the file again for these days and compare the totals.',
          est_impact: null,
          confidence: 'high',
          evidence_ids: [first.evidence_id],
        },
      ];
}

function rounded(value: number): number {
  return Number(value.toPrecision(3));
}

const design = { mde_pct: 20, alpha: 0.05, power: 0.8 } as const;

function experimentsOf(kpis: Kpi[], tables: TableFinding[]): Experiment[] {
  const kpi = kpis.find(
    ({ unit, baseline }) => unit === 'rate' && baseline !== null && baseline > 0,
  );
  if (kpi === undefined || kpi.baseline === null) return [];

  const rate = kpi.baseline;
  const sample = samplePerArm({
    baselineRate: rate,
    mdePct: design.mde_pct,
    alpha: design.alpha,
    power: design.power,
  });
  if (sample === null) return [];

  return [
    {
      hypothesis: `A page that answers the main objection above the button raises "${kpi.name}" by a fifth.`,
      metric_id: kpi.id,
      baseline_rate: rate,
      ...design,
      sample_per_arm: sample,
      est_days: daysFor(sample * 2, tables),
    },
  ];
}

function daysFor(visitors: number, tables: TableFinding[]): number | null {
  for (const table of tables) {
    const name = measured(table).columns.get('sessions');
    const total = table.columns.find((column) => column.name === name)?.sum ?? 0;
    const days = daysOf(table);
    if (days !== null && total > 0) return Math.ceil(visitors / (total / days));
  }
  return null;
}

// Half as dear again as today for two weeks: by then it is no accident.
function limitsOf(kpis: Kpi[]): NovaData['kill_criteria'] {
  return kpis.flatMap(({ id, name, baseline }) =>
    name.startsWith('Cost per') && baseline !== null && baseline > 0
      ? [
          {
            metric_id: id,
            op: '>' as const,
            threshold: rounded(baseline * 1.5),
            window_days: 14,
            action: 'Pause the dearest half of the ads and look at search terms and landing page.',
          },
        ]
      : [],
  );
}

function summaryOf(
  { client }: Material,
  { sources, baselines, kpis, tracking_plan: plan }: NovaData,
): string {
  const name = trimTo(client, 80);
  if (sources.length === 0) {
    return `Measurement plan for ${name}: no data was at hand, so this names ${kpis.length} KPIs and ${plan.length} events to track, and reports no results. Made by rules.`;
  }
  const rows = sources.reduce((sum, source) => sum + source.rows, 0);

  return `Performance draft for ${name}: ${counted(rows, 'row')} in ${counted(sources.length, 'table')} gave ${counted(baselines.length, 'baseline')}; ${kpis.length} KPIs and ${plan.length} events are planned. Made by rules.`;
}

function assumptionsOf({ brief }: Material, data: NovaData): string[] {
  const unread = brief.attachments.filter(({ kind }) => kind === 'xlsx').length;

  return [
    data.sources.length === 0
      ? 'No data was at hand: nothing here reports results, and all baselines are empty until they are measured.'
      : 'Figures are totals and means over whole tables as they were uploaded; nobody compared them with the systems they come from.',
    'Targets are empty: they have to be agreed once baselines are known.',
    'Whether the events exist on the site was not checked.',
    data.sources.length > 0 ? 'What a column counts was told by its name.' : null,
    data.kill_criteria.length > 0
      ? 'Limits for stopping are one and a half times the present cost, as a starting point.'
      : null,
    data.experiments.length > 0
      ? 'The test is planned to find a relative change of 20 percent; smaller ones need more visitors.'
      : null,
    unread > 0 ? 'Excel files were not read; send them as CSV.' : null,
  ].filter((line) => line !== null);
}

function unworkedIn(tables: TableFinding[]): string[] {
  return tables.slice(0, maxTables).flatMap((table) => unworkedRatios(measured(table)));
}

function questionsOf({ brief }: Material, { sources, kpis }: NovaData): string[] {
  return [
    sources.length === 0
      ? 'Can you send exports of GA4, the ad accounts and orders or enquiries by day, for the last 12 months, without personal fields?'
      : 'Do the totals agree with what you see in the systems themselves?',
    `Which value of ${kpis[0]?.name ?? 'the first KPI'} would make the work a success, and by when?`,
    brief.client?.domain === undefined ? 'On which website is the campaign measured?' : null,
    'What is an enquiry or a new customer worth to you?',
    'Who may change tags on the site, and is consent asked for before they load?',
  ].filter((line) => line !== null);
}
