// Builds the files a client reads of Vision's output.
import type { DeliverableFile } from '../../../core/run.ts';
import {
  byRulesLine,
  type Cell,
  closingSections,
  document,
  draftedBy,
  outputJson,
  type Section,
  sheet,
} from '../files.ts';
import type { FileContext } from '../kind.ts';
import type { VisionOutput } from './schema.ts';

export function visionFiles(output: VisionOutput, about: FileContext): DeliverableFile[] {
  return [
    document({
      name: 'vision-brand-and-market.md',
      title: 'Brand and market',
      about,
      sections: [
        { heading: 'In short', body: output.summary },
        ...brandSections(output),
        ...marketSections(output),
        ...audienceSections(output),
        ...messageSections(output),
        ...closingSections(output),
      ],
    }),
    ...sheets(output, about),
    brandTokens(output, about),
    outputJson(output, about),
  ];
}

function brandSections({ data: { brand, positioning } }: VisionOutput): Section[] {
  return [
    {
      heading: 'Who we are',
      body: brand.one_liner,
      list: [
        `Field: ${brand.category}`,
        `Promise: ${brand.promise}`,
        `Position: ${positioning.statement}`,
        `What sets it apart: ${positioning.differentiator}`,
        `Reasons to believe: ${positioning.reasons_to_believe.join(', ') || 'none yet'}`,
      ],
    },
    {
      heading: 'Proof',
      table: {
        columns: ['What can be said', 'Evidence'],
        rows: brand.proof.map(({ text, evidence_id: id }) => [text, id]),
      },
    },
    {
      heading: 'How we sound',
      list: [
        `In a few words: ${brand.voice.adjectives.join(', ')}`,
        ...brand.voice.do.map((line) => `Do: ${line}`),
        ...brand.voice.dont.map((line) => `Do not: ${line}`),
      ],
    },
    {
      heading: 'How we look',
      body: lookOf(brand.visual.source),
      table: {
        columns: ['Colour', 'Role'],
        rows: brand.visual.colors.map(({ hex, role }) => [hex, role]),
      },
      list: brand.visual.fonts.map((font) => `Font: ${font}`),
    },
  ];
}

function lookOf(source: 'brief' | 'page' | 'proposal'): string {
  switch (source) {
    case 'brief':
      return 'Colours and fonts are those of the brief.';
    case 'page':
      return "Colours and fonts were read off the client's pages.";
    case 'proposal':
      return 'Colours and fonts are a proposal; they have to be agreed with the client.';
  }
}

function marketSections({ data }: VisionOutput): Section[] {
  const { size, summary, trends } = data.market;
  const sized =
    size === null ? [] : [`Size: ${size.value} ${size.unit} (${size.year}, ${size.evidence_id})`];
  const moves = trends.map(
    (trend) => `${trend.statement} (${trend.horizon}, ${trend.evidence_id})`,
  );

  return [
    { heading: 'The market', body: summary, list: [...sized, ...moves] },
    {
      heading: 'Who we compete with',
      ...(data.competitors.length === 0
        ? { body: 'No competitors were named.' }
        : {
            table: {
              columns: ['Name', 'Domain', 'Read', 'Positioning', 'Strengths', 'Gaps'],
              rows: data.competitors.map((rival): Cell[] => [
                rival.name,
                rival.domain,
                rival.status.replaceAll('_', ' '),
                rival.positioning,
                rival.strengths.join('; '),
                rival.gaps.join('; '),
              ]),
            },
          }),
    },
  ];
}

function audienceSections({ data }: VisionOutput): Section[] {
  return data.audiences.map((audience) => ({
    heading: `${audience.id}: ${audience.name}`,
    body: `What they want to get done: ${audience.job_to_be_done}`,
    list: [
      ...audience.pains.map((pain) => `Pain: ${pain}`),
      ...audience.desires.map((desire) => `Desire: ${desire}`),
      ...audience.objections.map((objection) => `Objection: ${objection}`),
      ...audience.triggers.map((trigger) => `Trigger: ${trigger}`),
      `Where to meet them: ${audience.channels.join(', ') || 'not known'}`,
      `Their words: ${audience.phrases_they_use.join(', ') || 'not known'}`,
      `Evidence: ${audience.evidence_ids.join(', ') || 'none'}`,
    ],
  }));
}

function messageSections({ data }: VisionOutput): Section[] {
  return [
    {
      heading: 'What we say',
      table: {
        columns: ['Id', 'Pillar', 'Message', 'For', 'Proof'],
        rows: data.pillars.map((pillar) => [
          pillar.id,
          pillar.title,
          pillar.message,
          pillar.audience_ids.join(', '),
          pillar.proof_evidence_ids.join(', '),
        ]),
      },
    },
    {
      heading: 'Opportunities',
      body: 'Ranked by impact divided by effort, each from 1 to 5.',
      table: { columns: opportunityColumns, rows: opportunityRows(data) },
    },
    {
      heading: 'Risks',
      table: {
        columns: ['Risk', 'Severity', 'What to do'],
        rows: data.risks.map(({ risk, severity, mitigation }) => [risk, severity, mitigation]),
      },
    },
  ];
}

const opportunityColumns = ['id', 'title', 'why', 'effort', 'impact', 'score'];

function opportunityRows({ opportunities }: VisionOutput['data']): Cell[][] {
  return opportunities.map((item) => [
    item.id,
    item.title,
    item.why,
    item.effort,
    item.impact,
    item.score,
  ]);
}

const audienceColumns = [
  'id',
  'name',
  'job_to_be_done',
  'pains',
  'desires',
  'objections',
  'triggers',
  'channels',
  'phrases_they_use',
  'evidence_ids',
] as const;

const competitorColumns = [
  'id',
  'name',
  'domain',
  'status',
  'positioning',
  'offers',
  'prices',
  'strengths',
  'gaps',
  'evidence_ids',
];

function sheets({ data, evidence }: VisionOutput, about: FileContext): DeliverableFile[] {
  const tab = (name: string, columns: readonly string[], rows: Cell[][]) =>
    sheet({
      name: `vision-output-${name}.csv`,
      title: `Vision: ${name}`,
      about,
      columns: [...columns],
      rows,
    });

  return [
    tab('competitors', competitorColumns, data.competitors.map(competitorRow)),
    tab(
      'audiences',
      audienceColumns,
      data.audiences.map((audience) => audienceColumns.map((column) => joined(audience[column]))),
    ),
    tab(
      'messaging',
      ['id', 'pillar', 'message', 'audience_ids', 'proof_evidence_ids'],
      data.pillars.map((pillar) => [
        pillar.id,
        pillar.title,
        pillar.message,
        joined(pillar.audience_ids),
        joined(pillar.proof_evidence_ids),
      ]),
    ),
    tab('opportunities', opportunityColumns, opportunityRows(data)),
    tab(
      'evidence',
      ['id', 'claim', 'kind', 'url', 'file', 'value', 'retrieved_at'],
      evidence.map((item) => [
        item.id,
        item.claim,
        item.kind,
        item.url ?? null,
        item.file ?? null,
        item.value ?? null,
        item.retrieved_at ?? null,
      ]),
    ),
  ];
}

function competitorRow(rival: VisionOutput['data']['competitors'][number]): Cell[] {
  const prices = rival.prices.map(
    ({ item, amount, currency, evidence_id: id }) => `${item}: ${amount} ${currency} (${id})`,
  );
  return [
    rival.id,
    rival.name,
    rival.domain,
    rival.status,
    rival.positioning,
    joined(rival.offers),
    joined(prices),
    joined(rival.strengths),
    joined(rival.gaps),
    joined(rival.evidence_ids),
  ];
}

function joined(value: string | string[]): string {
  return typeof value === 'string' ? value : value.join('; ');
}

// The names that design tools read: one value by role, lists for what has no role.
function brandTokens({ data }: VisionOutput, about: FileContext): DeliverableFile {
  const { colors, fonts, source } = data.brand.visual;
  const color = Object.fromEntries(
    colors.toReversed().map(({ hex, role }) => [role, { $type: 'color', $value: hex }]),
  );
  const tokens = {
    $description: about.byRules ? byRulesLine : `Drafted by ${draftedBy(about)}.`,
    source,
    color,
    palette: colors.map(({ hex }) => hex),
    font: Object.fromEntries(
      fonts.map((font, index) => [
        index === 0 ? 'heading' : index === 1 ? 'body' : `extra_${index - 1}`,
        { $type: 'fontFamily', $value: font },
      ]),
    ),
  };

  return {
    name: 'brand-tokens.json',
    kind: 'json',
    mediaType: 'application/json',
    title: 'Brand colours and fonts, for design tools',
    content: `${JSON.stringify(tokens, null, 2)}\n`,
    data: tokens,
  };
}
