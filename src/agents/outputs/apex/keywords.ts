// Drafts keywords, clusters and content gaps by rules from the subjects of the brief.
import { cleanText } from '../drafted.ts';
import { homePage, textOf } from '../findings.ts';
import type { Material } from '../material.ts';
import { capital, titleCase, trimTo } from '../wording.ts';
import { keywordLimit } from './limits.ts';
import type { ApexData, Cluster, Keyword } from './schema.ts';

type Intent = Keyword['intent'];
type Term = { term: string; intent: Intent; priority: number; isBuilt: boolean };

/** Subjects that get a cluster of their own. */
const maxSubjects = 5;

/** The subjects that keywords are built on, most telling first; never empty. */
export function mainSubjects({ topic, subjects: strong }: Material): string[] {
  const subjects = [topic, ...strong].map((text) => trimTo(text, 60, '').toLowerCase());
  return [...new Set(subjects.filter((text) => text !== ''))];
}

export function draftKeywords(material: Material): Pick<ApexData, 'keywords' | 'clusters'> {
  const subjects = mainSubjects(material).slice(0, maxSubjects);
  const further = material.phrases.map((text) => text.toLowerCase());
  const groups = [
    ...subjects.map((name, index) => ({ name, terms: termsFor(material, name, index) })),
    {
      name: 'Further subjects',
      terms: further.slice(0, 12).map((term) => plainTerm(term, 3)),
    },
    { name: 'Brand', terms: brandTerms(material) },
  ];
  const taken = new Set<string>();
  const keywords: Keyword[] = [];
  const clusters: Cluster[] = [];

  for (const { name, terms } of groups) {
    const id = `CL${clusters.length + 1}`;
    const fresh = terms.filter(({ term }) => isUsable(material, term) && !taken.has(term));
    for (const { term } of fresh) taken.add(term);
    // The first cluster is always there, whatever the client has banned: the plan is built on it.
    const kept = fresh.length === 0 && clusters.length === 0 ? terms.slice(0, 1) : fresh;
    if (kept.length === 0) continue;

    const own = kept.map((term, index) =>
      keywordOf(material, term, { id: `K${keywords.length + index + 1}`, cluster_id: id }),
    );
    keywords.push(...own);
    clusters.push({
      id,
      name: titleCase(name),
      pillar_url: pageFor(material, name),
      keyword_ids: own.map((keyword) => keyword.id),
    });
  }
  return { keywords, clusters };
}

function termsFor({ english }: Material, subject: string, place: number): Term[] {
  const built: [string, Intent][] = english
    ? [
        [`${subject} price`, 'transactional'],
        [`buy ${subject}`, 'transactional'],
        [`compare ${subject}`, 'commercial'],
        [`${subject} reviews`, 'commercial'],
        [`how to choose ${subject}`, 'info'],
      ]
    : [];

  return [
    plainTerm(subject, place === 0 ? 1 : 2),
    ...built.map(([term, intent]) => ({
      term,
      intent,
      priority: place === 0 && intent !== 'info' ? 1 : place < 2 ? 2 : 3,
      isBuilt: true,
    })),
  ];
}

function plainTerm(term: string, priority: number): Term {
  return { term, intent: 'commercial', priority, isBuilt: false };
}

function brandTerms({ brief, client }: Material): Term[] {
  if (brief.client === undefined) return [];
  return [
    {
      term: trimTo(client, 60, '').toLowerCase(),
      intent: 'navigational',
      priority: 2,
      isBuilt: false,
    },
  ];
}

function isUsable({ banned }: Material, term: string): boolean {
  return (
    cleanText(term, { banned, stray: [] }) === term &&
    term.length <= keywordLimit.characters &&
    term.split(/\s+/).length <= keywordLimit.words
  );
}

function keywordOf(
  material: Material,
  { term, intent, priority, isBuilt }: Term,
  place: Pick<Keyword, 'id' | 'cluster_id'>,
): Keyword {
  const evidence = isBuilt
    ? material.ledger.add({
        kind: 'model_estimate',
        claim:
          'Terms built by rules from subjects of the brief and words that searchers add; nobody measured their demand',
      })
    : material.ledger.add({
        kind: 'brief',
        claim: 'Terms taken from the words of the brief; nobody measured their demand',
      });

  return {
    ...place,
    term,
    intent,
    volume: null,
    difficulty: null,
    cpc: null,
    current_rank: null,
    target_url: pageFor(material, term) ?? mainPage(material),
    priority,
    evidence_id: evidence,
  };
}

/** The page of the client that speaks of a subject; null where none that was read does. */
export function pageFor({ pages }: Material, subject: string): string | null {
  const wanted = subject.toLowerCase();
  const page = pages.find((one) =>
    `${one.title} ${one.description} ${one.h1.join(' ')} ${textOf(one)}`
      .toLowerCase()
      .includes(wanted),
  );
  return page?.url ?? null;
}

/** Where visitors are led: the page of the offer, else the home page, else nowhere yet. */
export function mainPage({ brief }: Material): string | null {
  const offer = brief.offer?.url;
  if (offer !== undefined && /^https?:\/\//i.test(offer)) return offer;

  return homePage(brief.client?.domain);
}

/** Subjects of the brief that the pages read do not speak of; without pages, those that need one of their own. */
export function draftGaps(material: Material): ApexData['gaps'] {
  const open = mainSubjects(material)
    .filter((subject) => pageFor(material, subject) === null)
    .slice(0, 5);

  return open.map((subject) => ({
    topic: subject,
    intent: 'info',
    competitor_url: null,
    proposed_title: trimTo(`${titleCase(subject)}: what to know before you decide`, 90),
    outline: [
      `${capital(subject)}: purpose and uses, in two sentences`,
      'What to compare, as a table',
      `How ${material.client} does it, with one example from practice`,
      'Price and conditions, in plain figures',
      'Questions that people ask, with short answers',
    ],
  }));
}
