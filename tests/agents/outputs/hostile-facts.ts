// Briefs and handoffs that drafts by rules have to survive, by what makes them hard.
import { Brief } from '../../../src/core/brief.ts';
import type { OutputFacts } from '../../../src/agents/outputs/kind.ts';

export const submittedAt = '2026-11-22T21:30:00.000Z';

export function factsOf(brief: unknown, rest: Partial<OutputFacts> = {}): OutputFacts {
  return {
    brief: Brief.parse(brief),
    handoff: {},
    missing: [],
    findings: [],
    submittedAt,
    ...rest,
  };
}

export const fullBrief = {
  title: 'Autumn launch of the cold brew subscription',
  description:
    'Brewly delivers cold brew coffee to offices every Monday. Teams order in two minutes and pause any time. ' +
    'Over 400 offices in Leeds drink it already. We want office managers to try the first crate. ' +
    'The bottles come back and are washed. No machine has to be rented.',
  objective: 'leads',
  client: {
    name: 'Brewly',
    domain: 'brewly.example',
    industry: 'coffee',
    tone_of_voice: ['warm', 'plain'],
    brand: {
      colors: ['#2b1d0e', '#f4e9d8', '#d9822b'],
      fonts: ['Inter', 'Lora'],
      banned_words: ['cheap', 'world-class'],
      required_disclaimers: [{ text: 'Contains caffeine.', when: 'always' }],
    },
    max_reading_grade: 8,
  },
  offer: {
    what: 'Cold brew crate for offices',
    price: { amount: 49, currency: 'EUR' },
    url: 'https://brewly.example/crate?ref=brief&x=1',
    valid_until: '2027-01-31',
  },
  audience_hint: 'Office managers of companies with twenty to two hundred people.',
  channels: ['search', 'instagram', 'linkedin', 'x', 'email', 'sms'],
  dates: { start: '2026-12-01', end: '2026-12-31' },
  budget: { amount: 3000, currency: 'EUR', period: 'month' },
};

const bannedCommon =
  `the a an and or of for to in is it what how who you your our we one first step plain
see read details order today clear questions before decide by with this that everyday problem offer draft
copy rules from brief headlines angles quote book compare options works next`.split(/\s+/);

export const hostileBriefs: [string, unknown][] = [
  ['a full brief', fullBrief],
  ['one word', { title: 'x', description: 'y' }],
  ['emoji only', { title: '🚀', description: '🎉🎉🎉 👩‍👩‍👧‍👦' }],
  ['punctuation only', { title: '!!!', description: '???' }],
  [
    'Chinese text',
    {
      title: '冷萃咖啡订阅服务推广',
      description:
        '我们每周一为办公室配送冷萃咖啡。团队可以随时暂停订阅。我们希望行政经理尝试第一箱。',
      client: { name: '冷萃咖啡有限公司', locale: 'zh-CN' },
    },
  ],
  [
    'Arabic text',
    { title: 'حملة القهوة', description: 'نقدم القهوة الباردة للمكاتب كل يوم اثنين.' },
  ],
  [
    '100,000 characters',
    { title: 'T'.repeat(300), description: 'wordy sentence without an end '.repeat(3300) },
  ],
  ['one endless word', { title: 'A'.repeat(300), description: 'B'.repeat(100_000) }],
  [
    'markup',
    {
      title: '<script>alert(1)</script> | pipes',
      description: '`a` | b\n# c <img src=x onerror=1>',
    },
  ],
  ['formulas', { title: '=HYPERLINK("http://x")', description: '+1+1 @SUM(A1) -2' }],
  ['placeholders', { title: '[Client] TBD', description: 'lorem ipsum {{name}} XX% [your text]' }],
  [
    'only capitals',
    { title: 'BIGGEST SALE EVER!!!', description: 'HURRY NOW!!! EVERYTHING MUST LEAVE!' },
  ],
  [
    'contacts',
    {
      title: 'Call +49 30 1234567',
      description: 'Write to jo@shop.example or call 030 9876 5432 today.',
    },
  ],
  [
    'dates long past',
    {
      title: 'Old news',
      description: 'It was then.',
      dates: { start: '2019-01-01', end: '2019-01-05' },
    },
  ],
  [
    'dates turned round',
    {
      title: 'Turned',
      description: 'End first.',
      dates: { start: '2027-03-10', end: '2027-03-01' },
    },
  ],
  [
    'a window of one day',
    {
      title: 'One day',
      description: 'Only today.',
      dates: { start: '2026-11-23', end: '2026-11-23' },
    },
  ],
  [
    'banned common words',
    {
      ...fullBrief,
      client: { ...fullBrief.client, brand: { banned_words: bannedCommon } },
    },
  ],
  [
    'banned topic and name',
    {
      ...fullBrief,
      client: {
        name: 'Brewly',
        brand: { banned_words: ['Brewly', 'coffee', 'cold brew', 'crate', 'offices'] },
      },
    },
  ],
  [
    'banned letters and marks',
    {
      title: 'Letters',
      description: 'a b c',
      client: { name: 'n', brand: { banned_words: ['a', 'n', '–', '.', '%'] } },
    },
  ],
  [
    'a name that is no host',
    {
      title: 'Host',
      description: 'A host.',
      client: { name: 'H', domain: 'not a host:99999'.replaceAll(' ', '_') },
    },
  ],
  [
    'an address that is no page',
    { title: 'Mail', description: 'A mail.', offer: { what: '', url: 'mailto:jo@shop.example' } },
  ],
  [
    'every channel',
    {
      ...fullBrief,
      channels: [
        'X',
        'Threads',
        'TikTok',
        'YouTube',
        'Facebook',
        'Instagram',
        'LinkedIn',
        'SMS',
        'blog',
      ],
    },
  ],
  [
    'strict disclaimers',
    {
      title: 'Loan',
      description: 'A loan for homes.',
      client: {
        name: 'Bank',
        max_reading_grade: 1,
        brand: {
          required_disclaimers: Array.from({ length: 20 }, (_, i) => ({
            text: `${i} ${'d'.repeat(490)}`,
            when: '',
          })),
        },
      },
    },
  ],
];
