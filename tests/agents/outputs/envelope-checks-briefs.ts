// Briefs that try the drafts by rules: a usual one, and many odd ones.
import { Brief } from '../../../src/core/brief.ts';

export const usualBrief = Brief.parse({
  title: 'Spring launch of the barista box',
  description:
    'Kaldi Roasters launches a monthly box of organic espresso beans for home baristas. Customers struggle to find fresh beans and waste money on stale ones. We roast within 48 hours of the order and won the 2025 Roaster Award. We want 400 subscriptions by June.',
  objective: 'sales',
  client: {
    name: 'Kaldi Roasters',
    domain: 'kaldi.example',
    industry: 'Specialty coffee',
    tone_of_voice: ['warm', 'expert'],
    brand: {
      colors: ['#3B2F2F', '#C8A27A'],
      fonts: ['Recoleta'],
      banned_words: ['cheap', 'cutting-edge'],
      required_disclaimers: [{ text: 'Cancel any time.', when: 'a subscription is offered' }],
    },
  },
  offer: {
    what: 'Monthly barista box of organic espresso beans',
    price: { amount: 24, currency: 'EUR' },
    url: 'https://kaldi.example/box',
  },
  audience_hint: 'Home baristas, small cafes and gift buyers',
  competitors: ['rival.example', 'gone.example', 'www.kaldi.example'],
  markets: [{ country: 'DE', language: 'en' }],
  budget: { amount: 10_000, currency: 'EUR', period: 'total' },
  channels: ['google', 'instagram', 'email'],
  dates: { start: '2027-03-01', end: '2027-04-30' },
  attachments: [{ name: 'sales.csv', kind: 'csv', text: 'date,sessions,orders\n2026-01-01,10,1' }],
});

const everyday =
  'a an and the of to in for with is it what how who people client brief draft rules made they not on at be by or are this that from as high low medium sales start price proof page pages home data conversion rate cost per google search campaign ad ads week month visits channel measure events no any one two first next value items method title form currency'.split(
    ' ',
  );

/** Briefs by what is odd about them; every one is valid. */
export const hostileBriefs: [string, Brief][] = Object.entries({
  'only one letter and one word': { title: 'x', description: 'Help' },
  'only symbols': { title: '!!!', description: '??? --- ???' },
  'only emoji': { title: '🚀', description: '🙂🙂🙂 👩‍👩‍👧‍👦🔥' },
  'nothing that can be shown': {
    title: '\u0000',
    description: '\uD83D',
    client: { name: '\u0001', industry: '', tone_of_voice: ['\u0000'] },
    offer: { what: '' },
    audience_hint: '\u0000',
    channels: ['', '\u0000'],
  },
  'NUL and half characters': { title: 'a\u0000b\uD83D', description: 'c\u0000d \uDE00 e\u2028f' },
  Chinese: {
    title: '推出有机燕麦奶',
    description: '我们在上海推出有机燕麦奶,面向咖啡馆和年轻消费者。预算五万元。',
    client: { name: '燕麦公司', locale: 'zh-CN', domain: 'oat.example' },
    audience_hint: '咖啡馆老板、年轻消费者',
    objective: 'launch',
  },
  Japanese: {
    title: '新しい有機オーツミルクを東京で発売する',
    description: '新しい有機オーツミルクを東京で発売する。カフェ向け。'.repeat(30),
    client: { name: '株式会社オーツ'.repeat(20), locale: 'ja-JP' },
  },
  'a very long text': {
    title: 'Long',
    description: 'The same long words again and again. '.repeat(2700),
  },
  'one very long word': { title: 'W'.repeat(300), description: 'w'.repeat(100_000) },
  'long everything': {
    title: 'A long title with many words in it '.repeat(8),
    description: 'A description that goes on. '.repeat(500),
    client: {
      name: 'Incorporated '.repeat(14),
      domain: 'long.example',
      industry: 'industry '.repeat(20),
      tone_of_voice: Array.from({ length: 10 }, (_, index) => `tone ${index}`),
      brand: {
        colors: Array.from({ length: 12 }, () => '#ABCDEF'),
        do: Array.from({ length: 20 }, () => 'do '.repeat(60)),
        dont: Array.from({ length: 20 }, () => 'dont '.repeat(39)),
        required_disclaimers: Array.from({ length: 20 }, () => ({
          text: 'law '.repeat(120),
          when: '',
        })),
      },
    },
    audience_hint: 'people, '.repeat(240),
    offer: { what: 'offer '.repeat(80) },
    channels: Array.from({ length: 20 }, (_, index) => `channel ${index} ${'x'.repeat(20)}`),
  },
  'placeholders in the brief': {
    title: '[Client] launch TBD',
    description:
      'Lorem ipsum {{first_name}} grows by XX% with [Your Product]. T{{x}}BD. Call +49 170 1234567.',
    client: { name: '{{company}}', domain: 'lorem.example' },
    offer: { what: 'TBD' },
    audience_hint: '[Name], TBD',
  },
  'common words banned': {
    ...usualBriefInput(),
    client: { name: 'Kaldi', domain: 'kaldi.example', brand: { banned_words: everyday } },
  },
  'the words of the brief banned': {
    ...usualBriefInput(),
    client: {
      name: 'Kaldi Roasters',
      brand: {
        banned_words: [
          'Kaldi Roasters',
          'barista',
          'box',
          'espresso',
          'beans',
          '–',
          '!',
          '.',
          ' ',
          '1',
          'Home baristas',
        ],
      },
    },
  },
  'Chinese words banned': {
    title: '推出有机燕麦奶',
    description: '我们在上海推出有机燕麦奶。',
    client: { name: '燕麦', brand: { banned_words: ['燕麦', '上海'] } },
  },
  'odd domains': {
    title: 'Odd domains',
    description: 'A brief whose domains make no address.',
    client: { name: 'Odd', domain: '%%%' },
    competitors: ['[::', 'exa_mple', 'https://user.example:99999/', 'odd'],
    offer: { what: 'Thing', url: 'mailto:a@b.example' },
  },
  'a budget of nothing': {
    title: 'No money',
    description: 'We have no budget at all but we do have time.',
    budget: { amount: 0, currency: 'USD' },
    channels: ['google', 'google', ' ', 'Google Ads & Co.', '推特'],
  },
  'one cent over seven channels': {
    title: 'A cent',
    description: 'A cent over many channels.',
    budget: { amount: 0.01, currency: 'USD', period: 'week' },
    channels: ['google', 'meta', 'linkedin', 'tiktok', 'email', 'x', 'radio'],
    markets: [{ country: 'US', language: 'en' }],
  },
  ...Object.fromEntries(
    ['awareness', 'leads', 'sales', 'retention', 'launch', 'report', 'other'].map((objective) => [
      `objective ${objective}`,
      { ...usualBriefInput(), objective },
    ]),
  ),
}).map(([oddity, input]) => [oddity, Brief.parse(input)]);

function usualBriefInput() {
  const { title, description, offer, audience_hint: hint } = usualBrief;
  return { title, description, offer, audience_hint: hint };
}
