// Reads what later agents use of the outputs handed over, and checks their references to it.
import { z } from 'zod';

import type { Check } from '../../core/output.ts';
import { handoffIds, rule } from './envelope-checks.ts';
import type { OutputFacts } from './kind.ts';

const text = z.string().catch('');
const texts = z.array(z.string()).catch([]);
const list = <Item extends z.ZodType>(item: Item) => z.array(item).catch([]);
const item = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z.looseObject({ id: z.string(), ...shape });

const colour = z.object({ hex: z.string(), role: text });
const adGroup = item({ name: text, landing_url: z.string().nullable().catch(null) });

const Vision = z.object({
  audiences: list(item({ name: text, pains: texts, objections: texts, phrases_they_use: texts })),
  pillars: list(item({ title: text, message: text })),
  brand: z
    .object({
      visual: z.object({ colors: list(colour), fonts: texts }).catch({ colors: [], fonts: [] }),
    })
    .catch({ visual: { colors: [], fonts: [] } }),
});
const Apex = z.object({
  keywords: list(item({ term: text, priority: z.number().catch(3) })),
  paid: z
    .object({ campaigns: list(z.object({ ad_groups: list(adGroup) })) })
    .catch({ campaigns: [] }),
  utm: list(z.object({ source: text, medium: text, campaign: text, content: text })),
  platforms: texts,
});
const Nova = z.object({ kpis: list(item({ name: text })) });
const Echo = z.object({
  headlines: list(item({ text })),
  angles: list(item({ name: text, insight: text })),
  ctas: list(item({ text })),
});
const Pixel = z.object({
  images: list(item({ placement: text, alt: text, width: z.number(), height: z.number() })),
});
const Reel = z.object({
  videos: list(item({ title: text, platform: text, hook: z.object({ text }).catch({ text: '' }) })),
});

/** What was handed over, list by list; a list is empty when its agent did not deliver. */
export function readUpstream(facts: OutputFacts) {
  const dataOf = (agent: string) => facts.handoff[agent]?.data ?? {};
  const apex = Apex.parse(dataOf('apex'));

  return {
    vision: Vision.parse(dataOf('vision')),
    apex: { ...apex, adGroups: apex.paid.campaigns.flatMap((campaign) => campaign.ad_groups) },
    nova: Nova.parse(dataOf('nova')),
    echo: Echo.parse(dataOf('echo')),
    pixel: Pixel.parse(dataOf('pixel')),
    reel: Reel.parse(dataOf('reel')),
  };
}
export type Upstream = ReturnType<typeof readUpstream>;

/** One place of an output that names an item of an upstream agent; `id` is null where it names none. */
export type Reference = {
  path: string;
  agent: string;
  list: string;
  id: string | null | undefined;
};

/** Every reference must resolve; where an agent handed nothing over, there is nothing to refer to. */
export function referenceChecks(references: Reference[], facts: OutputFacts): Check[] {
  const sources = [...new Set(references.map(({ agent, list: name }) => `${agent}.${name}`))];

  return sources.flatMap((source) => {
    const own = references.filter(({ agent, list: name }) => `${agent}.${name}` === source);
    const [agent = '', name = ''] = source.split('.');
    const known = knownIds(facts, agent, name);
    const faults = own.flatMap(({ path, id }) =>
      typeof id === 'string' && !known.has(id) ? [{ path, measured: id }] : [],
    );
    return rule(
      { id: `reference.${source}`, path: 'data', limit: describe(agent, known, facts) },
      faults,
    );
  });
}

/** The envelope's `uses` of the references that are set. */
export function usesOf(references: Reference[]): { upstream_id: string; at: string }[] {
  return references
    .flatMap(({ path, agent, list: name, id }) =>
      // Ad groups lie within campaigns, which have no ids.
      typeof id !== 'string' || name === 'ad_groups'
        ? []
        : [{ upstream_id: `${agent}.${name}.${id}`, at: path }],
    )
    .slice(0, 500);
}

/** One assumption for each agent that a draft would have built on and that handed nothing over. */
export function assumedLosses(facts: OutputFacts, losses: Record<string, string>): string[] {
  return Object.entries(losses)
    .filter(([agent]) => facts.handoff[agent] === undefined)
    .map(([agent, loss]) => {
      const why = facts.missing.includes(agent)
        ? `The agent ${agent} failed`
        : `No output of the agent ${agent} was handed over`;
      return `${why}: ${loss}.`;
    });
}

function knownIds(facts: OutputFacts, agent: string, name: string): Set<string> {
  if (name !== 'ad_groups') return handoffIds(facts, agent, name);

  return new Set(readUpstream(facts).apex.adGroups.map(({ id }) => id));
}

function describe(agent: string, known: Set<string>, facts: OutputFacts): string {
  if (facts.handoff[agent] === undefined) {
    return `null (or left out), for ${agent} handed nothing over; say so in assumptions`;
  }
  return `an id handed over by ${agent}: ${[...known].slice(0, 30).join(', ') || 'none is given'}`;
}
