// The places of the copywriter's output that name something else: upstream items, or its own.
import type { Reference } from '../upstream.ts';
import type { EchoData } from './schema.ts';

/** References to what Vision, Apex and Nova handed over. */
export function upstreamReferences(data: EchoData): Reference[] {
  const audience = (path: string, id: string | null) =>
    ({ path: `${path}.audience_id`, agent: 'vision', list: 'audiences', id }) as const;
  const kpi = (path: string, id: string | null) =>
    ({ path: `${path}.kpi_id`, agent: 'nova', list: 'kpis', id }) as const;

  return [
    ...data.angles.flatMap((angle, index) => {
      const path = `data.angles[${index}]`;
      const pillar = { path: `${path}.pillar_id`, agent: 'vision', list: 'pillars' };
      return [audience(path, angle.audience_id), { ...pillar, id: angle.pillar_id }];
    }),
    ...data.headlines.flatMap((headline, index) => {
      const path = `data.headlines[${index}]`;
      const keyword = { path: `${path}.keyword_id`, agent: 'apex', list: 'keywords' };
      return [{ ...keyword, id: headline.keyword_id }, kpi(path, headline.kpi_id)];
    }),
    ...data.rsa.map((ad, index) => ({
      path: `data.rsa[${index}].ad_group_id`,
      agent: 'apex',
      list: 'ad_groups',
      id: ad.ad_group_id,
    })),
    ...data.meta.map((ad, index) => audience(`data.meta[${index}]`, ad.audience_id)),
    ...data.ctas.map((cta, index) => kpi(`data.ctas[${index}]`, cta.kpi_id)),
    ...data.ab_tests.map((test, index) => kpi(`data.ab_tests[${index}]`, test.kpi_id)),
  ];
}

/** References within the output, each with the ids it may name. */
export function ownReferences(data: EchoData): { path: string; id: string; known: string[] }[] {
  const angles = data.angles.map(({ id }) => id);
  const variants = [data.headlines, data.meta, data.linkedin, data.ctas].flat().map(({ id }) => id);

  return [
    ...data.headlines.map(({ angle_id: id }, index) => ({
      path: `data.headlines[${index}].angle_id`,
      id,
      known: angles,
    })),
    ...data.meta.map(({ angle_id: id }, index) => ({
      path: `data.meta[${index}].angle_id`,
      id,
      known: angles,
    })),
    ...data.ab_tests.flatMap(({ a_id: a, b_id: b }, index) => [
      { path: `data.ab_tests[${index}].a_id`, id: a, known: variants },
      // A variant is tested against another one.
      {
        path: `data.ab_tests[${index}].b_id`,
        id: b,
        known: variants.filter((variant) => variant !== a),
      },
    ]),
  ];
}
