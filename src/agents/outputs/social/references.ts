// The places of the social strategist's output that name something handed over.
import type { Reference } from '../upstream.ts';
import type { SocialData } from './schema.ts';

export function upstreamReferences({ strategy, posts }: SocialData): Reference[] {
  const pillars = strategy.pillars.map(({ id }, index) => ({
    path: `data.strategy.pillars[${index}].id`,
    agent: 'vision',
    list: 'pillars',
    id,
  }));

  return [
    ...pillars,
    ...posts.flatMap((post, index) => {
      const path = `data.posts[${index}]`;
      return [
        { path: `${path}.pillar_id`, agent: 'vision', list: 'pillars', id: post.pillar_id },
        { path: `${path}.kpi_id`, agent: 'nova', list: 'kpis', id: post.kpi_id },
        { path: `${path}.video_id`, agent: 'reel', list: 'videos', id: post.video_id },
        ...many(`${path}.image_ids`, { agent: 'pixel', list: 'images' }, post.image_ids),
        ...many(`${path}.headline_ids`, { agent: 'echo', list: 'headlines' }, post.headline_ids),
      ];
    }),
  ];
}

function many(path: string, source: { agent: string; list: string }, ids: string[]): Reference[] {
  return ids.map((id, index) => ({ path: `${path}[${index}]`, ...source, id }));
}
