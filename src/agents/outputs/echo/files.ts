// The copywriter's files: copy deck, landing page, sheets, e-mails as HTML.
import type { DeliverableFile } from '../../../core/run.ts';
import {
  closingSections,
  disclaimerSections,
  document,
  outputJson,
  type Section,
  sheet,
} from '../files.ts';
import type { FileContext } from '../kind.ts';
import { columns, graphemes } from '../lengths.ts';
import { emailFile } from './email-html.ts';
import type { EchoData, EchoOutput } from './schema.ts';

export function echoFiles(output: EchoOutput, about: FileContext): DeliverableFile[] {
  const { data } = output;

  return [
    copyDeck(output, about),
    landingPage(data, about),
    headlineSheet(data, about),
    searchAdSheet(data, about),
    socialAdSheet(data, about),
    ctaSheet(data, about),
    testSheet(data, about),
    ...data.emails.map((email, index) => emailFile(email, { number: index + 1, about })),
    outputJson(output, about),
  ];
}

function copyDeck(output: EchoOutput, about: FileContext): DeliverableFile {
  const { data } = output;
  const sections: Section[] = [
    { heading: 'Summary', body: output.summary },
    {
      heading: 'Angles',
      body: 'Each angle is one way into the subject. Headlines and adverts name the angle they follow.',
      table: {
        columns: ['Id', 'Angle', 'Insight', 'Audience', 'Pillar'],
        rows: data.angles.map((angle) => [
          angle.id,
          angle.name,
          angle.insight,
          angle.audience_id,
          angle.pillar_id,
        ]),
      },
    },
    {
      heading: 'Headlines',
      table: {
        columns: ['Id', 'Headline', 'Angle', 'Keyword'],
        rows: data.headlines.map((item) => [item.id, item.text, item.angle_id, item.keyword_id]),
      },
    },
    ...data.rsa.map(searchAdSection),
    ...socialAdSections(data),
    ...data.emails.map(emailSection),
    ...(data.sms.length === 0
      ? []
      : [{ heading: 'Text messages', list: data.sms.map(({ text }) => text) }]),
    claimSection(data),
    ...disclaimerSections(data.disclaimers),
    ...closingSections(output),
  ];

  return document({ name: 'echo-copy-deck.md', title: 'Copy deck', about, sections });
}

function searchAdSection(ad: EchoData['rsa'][number], index: number): Section {
  return {
    heading: `Search advert ${index + 1}${ad.ad_group_id === null ? '' : ` (${ad.ad_group_id})`}`,
    body: `Leads to ${ad.final_url ?? 'a page still to be named'}.`,
    table: {
      columns: ['Part', 'Text', 'Columns'],
      rows: [
        ...ad.headlines.map(({ text }) => ['Headline', text, columns(text)]),
        ...ad.descriptions.map(({ text }) => ['Description', text, columns(text)]),
      ],
    },
  };
}

function socialAdSections({ meta, linkedin }: EchoData): Section[] {
  const columnNames = ['Id', 'Text', 'Headline', 'Description', 'Call to action'];
  const sections = [
    {
      heading: 'Meta adverts',
      table: {
        columns: columnNames,
        rows: meta.map((ad) => [ad.id, ad.primary_text, ad.headline, ad.description, ad.cta]),
      },
    },
    {
      heading: 'LinkedIn adverts',
      table: {
        columns: columnNames,
        rows: linkedin.map((ad) => [ad.id, ad.intro, ad.headline, ad.description, ad.cta]),
      },
    },
  ];

  return sections.filter(({ table }) => table.rows.length > 0);
}

function emailSection(email: EchoData['emails'][number], index: number): Section {
  return {
    heading: `E-mail ${index + 1}, day ${email.day}`,
    body: [
      `Goal: ${email.goal}`,
      `Subject: ${email.subject}`,
      `Preheader: ${email.preheader}`,
      email.body_md,
      `Button: ${email.cta.label} (${email.cta.url ?? 'address still to be named'})`,
    ].join('\n\n'),
  };
}

function claimSection({ claims, client_ready: isReady }: EchoData): Section {
  const open = claims.filter(({ status }) => status === 'needs_proof').length;
  const state = isReady
    ? 'This copy is marked as ready for the client.'
    : 'This copy is not marked as ready for the client.';

  return {
    heading: 'Claims',
    body: `${state} ${open} of ${claims.length} claims still need proof.`,
    table: {
      columns: ['Claim', 'Status', 'Evidence'],
      rows: claims.map((claim) => [claim.text, claim.status, claim.evidence_id]),
    },
  };
}

function landingPage({ landing }: EchoData, about: FileContext): DeliverableFile {
  const sections: Section[] = [
    {
      heading: 'In search results',
      table: {
        columns: ['Part', 'Text', 'Characters'],
        rows: [
          ['Title', landing.meta_title, graphemes(landing.meta_title)],
          ['Description', landing.meta_description, graphemes(landing.meta_description)],
        ],
      },
    },
    {
      heading: `Top of the page: ${landing.hero.h1}`,
      body: `${landing.hero.sub}\n\nButton: ${landing.hero.cta}`,
    },
    ...landing.sections.map(({ h2, body }) => ({ heading: h2, body })),
    {
      heading: 'Questions and answers',
      table: { columns: ['Question', 'Answer'], rows: landing.faq.map(({ q, a }) => [q, a]) },
    },
  ];

  return document({ name: 'landing-page.md', title: 'Landing page', about, sections });
}

function headlineSheet({ headlines }: EchoData, about: FileContext): DeliverableFile {
  return sheet({
    name: 'echo-headlines.csv',
    title: 'Headlines',
    about,
    columns: ['id', 'headline', 'characters', 'angle_id', 'keyword_id', 'kpi_id'],
    rows: headlines.map((item) => [
      item.id,
      item.text,
      graphemes(item.text),
      item.angle_id,
      item.keyword_id,
      item.kpi_id,
    ]),
  });
}

function searchAdSheet({ rsa }: EchoData, about: FileContext): DeliverableFile {
  const rows = rsa.flatMap((ad, index) => {
    const own = [index + 1, ad.ad_group_id];
    const target = [ad.path1, ad.path2, ad.final_url];
    return [
      ...ad.headlines.map(({ text, pin }) => [
        ...own,
        'headline',
        text,
        columns(text),
        pin ?? null,
        ...target,
      ]),
      ...ad.descriptions.map(({ text }) => [
        ...own,
        'description',
        text,
        columns(text),
        null,
        ...target,
      ]),
    ];
  });

  return sheet({
    name: 'echo-search-ads.csv',
    title: 'Responsive search ads',
    about,
    columns: [
      'advert',
      'ad_group_id',
      'part',
      'text',
      'columns',
      'pin',
      'path1',
      'path2',
      'final_url',
    ],
    rows,
  });
}

function socialAdSheet({ meta, linkedin }: EchoData, about: FileContext): DeliverableFile {
  return sheet({
    name: 'echo-social-ads.csv',
    title: 'Meta and LinkedIn adverts',
    about,
    columns: [
      'platform',
      'id',
      'text',
      'headline',
      'description',
      'cta',
      'angle_id',
      'audience_id',
    ],
    rows: [
      ...meta.map((ad) => [
        'meta',
        ad.id,
        ad.primary_text,
        ad.headline,
        ad.description,
        ad.cta,
        ad.angle_id,
        ad.audience_id,
      ]),
      ...linkedin.map((ad) => [
        'linkedin',
        ad.id,
        ad.intro,
        ad.headline,
        ad.description,
        ad.cta,
        null,
        null,
      ]),
    ],
  });
}

function ctaSheet({ ctas }: EchoData, about: FileContext): DeliverableFile {
  return sheet({
    name: 'echo-ctas.csv',
    title: 'Calls to action',
    about,
    columns: ['id', 'text', 'strength', 'kpi_id'],
    rows: ctas.map((cta) => [cta.id, cta.text, cta.strength, cta.kpi_id]),
  });
}

function testSheet({ ab_tests: tests }: EchoData, about: FileContext): DeliverableFile {
  return sheet({
    name: 'echo-ab-tests.csv',
    title: 'A/B tests',
    about,
    columns: ['a_id', 'b_id', 'hypothesis', 'kpi_id'],
    rows: tests.map((test) => [test.a_id, test.b_id, test.hypothesis, test.kpi_id]),
  });
}
