// Checks that links carry the UTM plan.
import type { Check } from '../../../core/output.ts';
import { type Fault, rule } from '../envelope-checks.ts';
import type { OutputFacts } from '../kind.ts';
import { readUpstream } from '../upstream.ts';
import type { Post } from './schema.ts';

const parameters = ['utm_source', 'utm_medium', 'utm_campaign'] as const;
const parameter = /^[a-z0-9_-]+$/;

export function linkChecks(posts: Post[], facts: OutputFacts): Check[] {
  const campaigns = plannedCampaigns(facts);

  return rule(
    {
      id: 'social.utm',
      path: 'data.posts',
      limit: 'every link_url has its utm_url with utm_source, utm_medium, utm_campaign in a-z0-9_-',
    },
    posts.flatMap((post, index) =>
      faultsOf(post, campaigns).map(({ measured, limit }) => ({
        path: `data.posts[${index}].utm_url`,
        measured,
        ...(limit === undefined ? {} : { limit }),
      })),
    ),
  );
}

/** The campaign names of Apex's UTM plan that can stand in an address. */
export function plannedCampaigns(facts: OutputFacts): string[] {
  const names = readUpstream(facts).apex.utm.map(({ campaign }) => campaign);

  return [...new Set(names.filter((name) => parameter.test(name)))];
}

function faultsOf(
  { link_url: link, utm_url: tagged }: Post,
  campaigns: string[],
): Omit<Fault, 'path'>[] {
  if (link === null && tagged === null) return [];
  if (tagged === null) return [{ measured: 'null' }];

  const url = new URL(tagged);
  const wrong = parameters.flatMap((name) => {
    const value = url.searchParams.get(name) ?? '';
    return parameter.test(value) ? [] : [{ measured: `${name}=${value}` }];
  });
  if (wrong.length > 0) return wrong;

  const campaign = url.searchParams.get('utm_campaign') ?? '';
  return campaigns.length === 0 || campaigns.includes(campaign)
    ? []
    : [
        {
          measured: `utm_campaign=${campaign}`,
          limit: `a campaign of Apex: ${campaigns.slice(0, 10).join(', ')}`,
        },
      ];
}
