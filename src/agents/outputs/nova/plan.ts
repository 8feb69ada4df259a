// Drafts the measurement plan by rules: events, KPIs and attribution by the objective of the brief.
import type { Brief } from '../../../core/brief.ts';
import { matches } from '../wording.ts';
import type { Baseline, Kpi, NovaData, TrackedEvent } from './schema.ts';

type Objective = Brief['objective'];
type EventName = keyof typeof eventsByName;

const param = (name: string, type: TrackedEvent['params'][number]['type']) => ({ name, type });

// Recommended events of GA4, so that its standard reports fill by themselves.
const eventsByName = {
  session_start: { trigger: 'A visit begins; GA4 collects it by itself', params: [] },
  page_view: {
    trigger: 'A page is shown',
    params: [param('page_location', 'string'), param('page_title', 'string')],
  },
  scroll: {
    trigger: 'Nine tenths of a page have been seen',
    params: [param('percent_scrolled', 'number')],
  },
  view_item: {
    trigger: 'The page of the offer is shown',
    params: [param('currency', 'string'), param('value', 'number'), param('items', 'items')],
  },
  add_to_cart: {
    trigger: 'The offer is put into the cart',
    params: [param('currency', 'string'), param('value', 'number'), param('items', 'items')],
  },
  begin_checkout: {
    trigger: 'The first step of the checkout is shown',
    params: [param('currency', 'string'), param('value', 'number')],
  },
  purchase: {
    trigger: 'The order is confirmed, counted once by its id',
    params: [
      param('transaction_id', 'string'),
      param('currency', 'string'),
      param('value', 'number'),
      param('items', 'items'),
    ],
  },
  form_start: {
    trigger: 'The first field of the form is touched',
    params: [param('form_id', 'string')],
  },
  generate_lead: {
    trigger: 'The form has been sent and accepted',
    params: [param('form_id', 'string'), param('currency', 'string'), param('value', 'number')],
  },
  sign_up: { trigger: 'An account has been made', params: [param('method', 'string')] },
  login: { trigger: 'A customer signs in', params: [param('method', 'string')] },
  video_progress: {
    trigger: 'A video reaches 25, 50 or 75 percent',
    params: [param('video_title', 'string'), param('video_percent', 'number')],
  },
  cta_click: {
    trigger: 'The main button of a page is clicked',
    params: [param('link_text', 'string'), param('link_url', 'string')],
  },
} as const;

const eventsFor = {
  awareness: ['session_start', 'page_view', 'scroll', 'video_progress', 'cta_click'],
  leads: ['session_start', 'page_view', 'cta_click', 'form_start', 'generate_lead'],
  sales: ['session_start', 'view_item', 'add_to_cart', 'begin_checkout', 'purchase'],
  retention: ['session_start', 'login', 'cta_click', 'view_item', 'purchase'],
  launch: ['session_start', 'page_view', 'video_progress', 'cta_click', 'sign_up', 'purchase'],
  report: ['session_start', 'page_view', 'cta_click', 'generate_lead', 'purchase'],
  other: ['session_start', 'page_view', 'cta_click', 'generate_lead', 'purchase'],
} as const satisfies Record<Objective, readonly EventName[]>;

/** The events of the objective; a parameter is named in print, so one that the client bans is left out. */
export function draftTrackingPlan(objective: Objective, banned: RegExp | null): TrackedEvent[] {
  return eventsFor[objective].map((event) => ({
    event,
    trigger: eventsByName[event].trigger,
    params: eventsByName[event].params.filter(({ name }) => !matches(banned, name)),
    destination: 'GA4',
    exists: null,
  }));
}

type PlannedKpi = { name: string; formula: string; unit: string; measuredAs?: string };

const conversion: PlannedKpi = {
  name: 'Conversion rate',
  formula: 'purchase / session_start',
  unit: 'rate',
  measuredAs: 'Conversion rate',
};
const leadRate: PlannedKpi = {
  name: 'Lead rate',
  formula: 'generate_lead / session_start',
  unit: 'rate',
  measuredAs: 'Lead rate',
};
const orderCost: PlannedKpi = {
  name: 'Cost per order',
  formula: 'ad_cost / purchase',
  unit: 'currency',
  measuredAs: 'Cost per order',
};
const leadCost: PlannedKpi = {
  name: 'Cost per lead',
  formula: 'ad_cost / generate_lead',
  unit: 'currency',
  measuredAs: 'Cost per lead',
};
const clickRate: PlannedKpi = {
  name: 'Click-through rate',
  formula: 'clicks / impressions',
  unit: 'rate',
  measuredAs: 'Click-through rate',
};
const buttonRate: PlannedKpi = {
  name: 'Share of visits with a click on the main button',
  formula: 'cta_click / session_start',
  unit: 'rate',
};
const orderValue: PlannedKpi = {
  name: 'Revenue per order',
  formula: 'revenue / purchase',
  unit: 'currency',
  measuredAs: 'Revenue per order',
};

const kpisFor = {
  awareness: [
    { name: 'Reach', formula: 'reach', unit: 'count' },
    clickRate,
    {
      name: 'Share of visits that read to the end',
      formula: 'scroll / session_start',
      unit: 'rate',
    },
    buttonRate,
  ],
  leads: [
    leadRate,
    leadCost,
    {
      name: 'Share of begun forms that are sent',
      formula: 'generate_lead / form_start',
      unit: 'rate',
    },
    clickRate,
  ],
  sales: [
    conversion,
    orderCost,
    orderValue,
    {
      name: 'Share of checkouts that are finished',
      formula: 'purchase / begin_checkout',
      unit: 'rate',
    },
  ],
  retention: [
    { name: 'Visits of customers who sign in', formula: 'login / session_start', unit: 'rate' },
    { name: 'Orders per user', formula: 'purchase / users', unit: 'count' },
    { name: 'Open rate', formula: 'opens / sends', unit: 'rate' },
  ],
  launch: [
    { name: 'Sign-up rate', formula: 'sign_up / session_start', unit: 'rate' },
    conversion,
    clickRate,
    buttonRate,
  ],
  report: [conversion, leadRate, orderCost, clickRate],
  other: [buttonRate, leadRate, conversion, clickRate],
} as const satisfies Record<Objective, readonly PlannedKpi[]>;

/** KPIs of the objective; what the client's tables measured becomes their baseline, with its own formula. */
export function draftKpis(objective: Objective, baselines: Baseline[]): Kpi[] {
  return kpisFor[objective].map((planned: PlannedKpi, index) => {
    const known = baselines.find(({ metric }) => metric === planned.measuredAs);
    return {
      id: `M${index + 1}`,
      name: planned.name,
      formula: known?.formula ?? planned.formula,
      baseline: known?.value ?? null,
      target: null,
      unit: planned.unit,
      cadence: 'weekly',
      owner: 'Marketing lead of the client',
      source: known === undefined ? 'GA4 and the ad platforms' : 'The uploaded tables, later GA4',
    };
  });
}

export function draftAttribution(objective: Objective): NovaData['attribution'] {
  const isSlow = objective === 'leads' || objective === 'awareness' || objective === 'launch';
  return {
    model: isSlow
      ? 'Data-driven in GA4, with the question "How did you hear of us?" beside it'
      : 'Data-driven in GA4, compared with last click',
    why: isSlow
      ? 'People take several visits to decide, so the last click alone would hide what brought them first.'
      : 'Few steps lie between visit and order, so the two models should agree; where they do not, look closer.',
    limits:
      'Visits without consent, changes of device and talk between people are not seen by either.',
  };
}
