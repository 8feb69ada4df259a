// The checks on what Nova plans: events, tests, limits and forecasts.
import type { Check } from '../../../core/output.ts';
import { type Fault, rule, unresolvedReferences } from '../envelope-checks.ts';
import type { NovaOutput } from './schema.ts';
import { samplePerArm } from './sample-size.ts';

/** GA4: lower case here, so that one event never has two names; 40 characters; 25 parameters. */
const eventPattern = /^[a-z][a-z0-9_]{0,39}$/;
const maxParams = 25;

export function checkPlan(output: NovaOutput): Check[] {
  return [...events(output), ...experiments(output), ...forecast(output), ...references(output)];
}

function events({ data }: NovaOutput): Check[] {
  const names = data.tracking_plan.map(({ event }) => event);
  const faults = data.tracking_plan.flatMap(({ event, params }, index): Fault[] => {
    const path = `data.tracking_plan[${index}]`;
    return [
      ...(eventPattern.test(event) ? [] : [{ path: `${path}.event`, measured: event }]),
      ...(names.indexOf(event) === index
        ? []
        : [{ path: `${path}.event`, measured: event, limit: 'each event once' }]),
      ...(params.length <= maxParams
        ? []
        : [
            {
              path: `${path}.params`,
              measured: params.length,
              limit: `at most ${maxParams} parameters`,
            },
          ]),
      ...params
        .filter(({ name }) => !eventPattern.test(name))
        .map(({ name }) => ({ path: `${path}.params`, measured: name })),
    ];
  });
  const reserved = data.tracking_plan.flatMap(({ event }, index) =>
    /^(?:ga_|google_|firebase_)/.test(event)
      ? [{ path: `data.tracking_plan[${index}].event`, measured: event }]
      : [],
  );

  return [
    ...rule(
      { id: 'nova.event', path: 'data.tracking_plan', limit: `a name like ${eventPattern.source}` },
      faults,
    ),
    ...rule(
      {
        id: 'nova.event_reserved',
        level: 'warn',
        path: 'data.tracking_plan',
        limit: 'no name that starts with ga_, google_ or firebase_',
      },
      reserved,
    ),
  ];
}

function experiments({ data }: NovaOutput): Check[] {
  const faults = data.experiments.flatMap((test, index): Fault[] => {
    const path = `data.experiments[${index}].sample_per_arm`;
    const sample = samplePerArm({
      baselineRate: test.baseline_rate,
      mdePct: test.mde_pct,
      alpha: test.alpha,
      power: test.power,
    });
    if (sample === null) {
      return [
        {
          path,
          measured: test.baseline_rate,
          limit: 'a baseline_rate above 0 that stays below 1 with the change',
        },
      ];
    }
    return Math.abs(test.sample_per_arm - sample) <= sample * 0.01
      ? []
      : [{ path, measured: test.sample_per_arm, limit: `${sample} by the two-proportion z test` }];
  });

  return rule(
    {
      id: 'nova.sample',
      path: 'data.experiments',
      limit: 'within 1 % of the two-proportion z test',
    },
    faults,
  );
}

function forecast({ data }: NovaOutput): Check[] {
  const faults = data.forecast.flatMap(({ p10, p50, p90 }, index) =>
    p10 <= p50 && p50 <= p90
      ? []
      : [{ path: `data.forecast[${index}]`, measured: `${p10}, ${p50}, ${p90}` }],
  );

  return rule({ id: 'nova.forecast', path: 'data.forecast', limit: 'p10 <= p50 <= p90' }, faults);
}

function references({ data }: NovaOutput): Check[] {
  const known = new Set(data.kpis.map(({ id }) => id));
  const lists = ['experiments', 'kill_criteria', 'forecast'] as const;

  return lists.flatMap((name) =>
    unresolvedReferences(
      [...new Set(data[name].map((item) => item.metric_id))],
      known,
      `data.${name}`,
    ),
  );
}
