// Outputs handed over that drafts by rules have to survive: full, empty, rough and none.
import type { OutputFacts } from '../../../src/agents/outputs/kind.ts';
import type { AnyOutput } from '../../../src/core/output.ts';

function outputOf(agent: string, data: Record<string, unknown>): AnyOutput {
  return {
    schema_version: 1,
    agent,
    summary: 'An upstream output, long enough to pass as one.',
    data,
    evidence: [],
    uses: [],
    assumptions: [],
    open_questions: [],
    confidence: 'low',
  };
}

export const stageOne: Record<string, AnyOutput> = {
  vision: outputOf('vision', {
    audiences: [
      {
        id: 'A1',
        name: 'Office managers',
        pains: ['The coffee machine breaks every month'],
        phrases_they_use: ['out of order again'],
        objections: ['Too much crate storage'],
      },
      {
        id: 'A2',
        name: 'Founders',
        pains: ['Nobody owns the kitchen'],
        phrases_they_use: ['who buys coffee?'],
        objections: [],
      },
    ],
    pillars: [
      { id: 'P1', title: 'No machine', message: 'Good coffee without a machine to look after.' },
      { id: 'P2', title: 'Bottles return', message: 'Every bottle comes back and is washed.' },
      {
        id: 'P3',
        title: 'Pause any time',
        message: 'You stop and start whenever the office is empty.',
      },
    ],
    brand: {
      visual: {
        colors: [
          { hex: '#2b1d0e', role: 'text' },
          { hex: '#ffffff', role: 'background' },
        ],
        fonts: ['Inter'],
      },
    },
  }),
  apex: outputOf('apex', {
    keywords: [
      { id: 'K1', term: 'office cold brew delivery', priority: 1 },
      { id: 'K2', term: 'cold brew crate', priority: 1 },
      { id: 'K3', term: 'coffee for teams', priority: 2 },
    ],
    paid: {
      campaigns: [
        {
          name: 'c',
          ad_groups: [
            { id: 'G1', name: 'Office delivery', landing_url: 'https://brewly.example/crate' },
            { id: 'G2', name: 'Crates', landing_url: null },
          ],
        },
      ],
    },
    utm: [{ source: 'instagram', medium: 'social', campaign: 'autumn', content: 'post' }],
    platforms: ['instagram', 'linkedin'],
  }),
  nova: outputOf('nova', {
    kpis: [
      { id: 'M1', name: 'Crates ordered' },
      { id: 'M2', name: 'Leads' },
    ],
  }),
};

/** Upstream outputs that are valid as envelopes and hold nothing that can be used. */
export const emptyHandoff: Record<string, AnyOutput> = Object.fromEntries(
  ['vision', 'apex', 'nova', 'echo', 'pixel', 'reel'].map((agent) => [agent, outputOf(agent, {})]),
);

/** Upstream texts that are far too long, wide, loud or alike for any advert. */
export const roughHandoff: Record<string, AnyOutput> = {
  vision: outputOf('vision', {
    audiences: [
      {
        id: 'A1',
        name: 'N'.repeat(400),
        pains: ['CALL +1 212-555-0199 NOW!!!'],
        phrases_they_use: [''],
        objections: [''],
      },
    ],
    pillars: Array.from({ length: 5 }, (_, i) => ({
      id: `P${i + 1}`,
      title: 'The same pillar',
      message: 'The same message',
    })),
    brand: {
      visual: {
        colors: [
          { hex: '#ffffff', role: 'text' },
          { hex: '#fffffe', role: 'background' },
        ],
        fonts: [],
      },
    },
  }),
  apex: outputOf('apex', {
    keywords: [
      { id: 'K1', term: 'x', priority: 1 },
      { id: 'K2', term: 'EXACTLY thirty characters long', priority: 1 },
      { id: 'K3', term: '一'.repeat(40), priority: 1 },
    ],
    paid: {
      campaigns: [
        {
          name: 'c',
          ad_groups: [{ id: 'G1', name: 'LOUD NAME!!!', landing_url: 'not an address' }],
        },
      ],
    },
    utm: 'none',
    platforms: [7],
  }),
  nova: outputOf('nova', { kpis: null }),
};

export const handoffs: [string, Partial<OutputFacts>][] = [
  ['no handoff', {}],
  ['the first wave', { handoff: stageOne }],
  ['an empty handoff', { handoff: emptyHandoff }],
  ['a rough handoff', { handoff: roughHandoff }],
  ['failed upstream', { missing: ['vision', 'apex', 'nova', 'echo', 'pixel', 'reel'] }],
];
