// Builds the files a client reads of Nova's output.
import type { DeliverableFile } from '../../../core/run.ts';
import { type Cell, closingSections, document, outputJson, type Section, sheet } from '../files.ts';
import type { FileContext } from '../kind.ts';
import type { NovaOutput } from './schema.ts';

type Data = NovaOutput['data'];

export function novaFiles(output: NovaOutput, about: FileContext): DeliverableFile[] {
  const { data } = output;

  return [
    document({
      name: 'nova-performance-report.md',
      title: data.sources.length === 0 ? 'Measurement plan' : 'Performance report',
      about,
      sections: [
        { heading: 'In short', body: output.summary },
        ...resultSections(data),
        ...outlookSections(data),
        ...planSections(data),
        ...closingSections(output),
      ],
    }),
    ...sheets(data, about),
    outputJson(output, about),
  ];
}

function resultSections(data: Data): Section[] {
  if (data.sources.length === 0 && data.baselines.length === 0) {
    return [
      {
        heading: 'Results',
        body: 'No data was at hand, so there are no results to report. What follows is how to measure from now on.',
      },
    ];
  }
  return [
    {
      heading: 'What the data says',
      list: data.insights.map(
        ({ headline, so_what: soWhat, action, evidence_ids: ids }) =>
          `${headline} ${soWhat} ${action} (${ids.join(', ')})`,
      ),
    },
    {
      heading: 'Where we stand',
      table: { columns: [...baselineColumns], rows: baselineRows(data).map(readable) },
    },
    {
      heading: 'From stage to stage',
      body:
        data.funnel.length === 0 ? 'The data does not count two stages of one journey.' : undefined,
      table: { columns: [...funnelColumns], rows: funnelRows(data).map(readable) },
    },
    {
      heading: 'The data behind it',
      table: { columns: sourceColumns, rows: sourceRows(data) },
    },
    {
      heading: 'Out of line',
      table: {
        columns: ['Metric', 'Date', 'Expected', 'Actual', 'Deviation (z)'],
        rows: data.anomalies.map((item) => [
          item.metric,
          item.date,
          item.expected,
          item.actual,
          item.z,
        ]),
      },
    },
    {
      heading: 'Groups',
      table: {
        columns: ['Group', 'Metric', 'Value', 'Evidence'],
        rows: data.segments.map((item) => [item.name, item.metric, item.value, item.evidence_id]),
      },
    },
  ].filter(({ table, list }) => (table?.rows.length ?? 0) > 0 || (list?.length ?? 0) > 0);
}

function outlookSections(data: Data): Section[] {
  const names = new Map(data.kpis.map(({ id, name }) => [id, name]));
  const named = (id: string) => `${id} ${names.get(id) ?? ''}`.trim();
  const sections = [
    {
      heading: 'Tests worth running',
      table: {
        columns: [
          'Hypothesis',
          'KPI',
          'Rate today',
          'Change to find, %',
          'Visitors per arm',
          'Days',
        ],
        rows: data.experiments.map((test): Cell[] => [
          test.hypothesis,
          named(test.metric_id),
          test.baseline_rate,
          test.mde_pct,
          test.sample_per_arm,
          test.est_days,
        ]),
      },
    },
    {
      heading: 'When to stop',
      table: {
        columns: ['KPI', 'Limit', 'Over days', 'Then'],
        rows: data.kill_criteria.map((limit): Cell[] => [
          named(limit.metric_id),
          `${limit.op} ${limit.threshold}`,
          limit.window_days,
          limit.action,
        ]),
      },
    },
    {
      heading: 'Outlook',
      table: {
        columns: ['KPI', 'Date', 'Low (p10)', 'Middle (p50)', 'High (p90)'],
        rows: data.forecast.map((point): Cell[] => [
          named(point.metric_id),
          point.date,
          point.p10,
          point.p50,
          point.p90,
        ]),
      },
    },
  ];
  return sections.filter(({ table }) => table.rows.length > 0);
}

function planSections({ attribution, kpis, tracking_plan: plan }: Data): Section[] {
  return [
    {
      heading: 'What we measure',
      body: 'Empty baselines and targets are not known yet.',
      table: {
        columns: [...kpiColumns],
        rows: kpis.map((kpi) => readable(kpiColumns.map((column) => kpi[column]))),
      },
    },
    {
      heading: 'Events to track',
      table: { columns: eventColumns, rows: plan.map(eventRow) },
    },
    {
      heading: 'Who gets the credit',
      list: [
        `Model: ${attribution.model}`,
        `Why: ${attribution.why}`,
        `Limits: ${attribution.limits}`,
      ],
    },
  ];
}

const kpiColumns = [
  'id',
  'name',
  'formula',
  'baseline',
  'target',
  'unit',
  'cadence',
  'owner',
  'source',
] as const;
const baselineColumns = [
  'metric',
  'value',
  'unit',
  'period',
  'segment',
  'formula',
  'evidence_id',
] as const;
const funnelColumns = ['stage', 'count', 'rate_from_previous', 'note', 'evidence_id'] as const;
const eventColumns = ['event', 'trigger', 'params', 'destination', 'exists'];
const sourceColumns = ['id', 'file', 'rows', 'date_from', 'date_to', 'columns', 'quality'];

// The sheets have all digits; nobody reads more than six.
function readable(cells: Cell[]): Cell[] {
  return cells.map((cell) => (typeof cell === 'number' ? Number(cell.toPrecision(6)) : cell));
}

function baselineRows({ baselines }: Data): Cell[][] {
  return baselines.map((item) => baselineColumns.map((column) => item[column]));
}

function funnelRows({ funnel }: Data): Cell[][] {
  return funnel.map((stage) => funnelColumns.map((column) => stage[column]));
}

function eventRow({
  event,
  trigger,
  params,
  destination,
  exists,
}: Data['tracking_plan'][number]): Cell[] {
  const known = exists === null ? 'not checked' : exists ? 'yes' : 'no';
  return [
    event,
    trigger,
    params.map(({ name, type }) => `${name} (${type})`).join('; '),
    destination,
    known,
  ];
}

function sourceRows({ sources }: Data): Cell[][] {
  return sources.map((source) => [
    source.id,
    source.file,
    source.rows,
    source.date_from,
    source.date_to,
    source.columns.join('; '),
    source.quality
      .map(({ issue, rows }) => (rows === null ? issue : `${issue} (${rows})`))
      .join('; '),
  ]);
}

function sheets(data: Data, about: FileContext): DeliverableFile[] {
  const tab = (name: string, columns: readonly string[], rows: Cell[][]) =>
    sheet({
      name: `nova-output-${name}.csv`,
      title: `Nova: ${name.replaceAll('-', ' ')}`,
      about,
      columns: [...columns],
      rows,
    });

  return [
    tab(
      'kpis',
      kpiColumns,
      data.kpis.map((kpi) => kpiColumns.map((column) => kpi[column])),
    ),
    tab('baselines', baselineColumns, baselineRows(data)),
    tab('funnel', funnelColumns, funnelRows(data)),
    tab('tracking-plan', eventColumns, data.tracking_plan.map(eventRow)),
    tab('sources', sourceColumns, sourceRows(data)),
  ];
}
