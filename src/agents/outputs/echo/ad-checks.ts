// Checks of the adverts: counts, lengths and punctuation that Google, Meta and LinkedIn refuse.
import type { Check } from '../../../core/output.ts';
import { rule } from '../envelope-checks.ts';
import { matching, type Placed, placed, repeated, tooLong } from '../faults.ts';
import type { OutputFacts } from '../kind.ts';
import { columns } from '../lengths.ts';
import { platformSpecs } from '../platform-specs.ts';
import { loudWords } from './loud-words.ts';
import type { EchoData } from './schema.ts';

export function adChecks(data: EchoData, facts: OutputFacts): Check[] {
  return [...searchAdChecks(data, facts), ...metaChecks(data), ...linkedinChecks(data)];
}

/** The headlines of all responsive search ads. */
export function rsaHeadlines({ rsa }: EchoData): Placed[] {
  return rsa.flatMap((ad, index) =>
    placed(`data.rsa[${index}].headlines`, ad.headlines, ({ text }) => ({ field: '.text', text })),
  );
}

function rsaDescriptions({ rsa }: EchoData): Placed[] {
  return rsa.flatMap((ad, index) =>
    placed(`data.rsa[${index}].descriptions`, ad.descriptions, ({ text }) => ({
      field: '.text',
      text,
    })),
  );
}

function searchAdChecks(data: EchoData, { brief }: OutputFacts): Check[] {
  const specs = platformSpecs().google_ads;
  const headlines = rsaHeadlines(data);
  const descriptions = rsaDescriptions(data);
  const path = 'data.rsa';
  const paths = [
    ...placed(path, data.rsa, ({ path1 }) => ({ field: '.path1', text: path1 ?? '' })),
    ...placed(path, data.rsa, ({ path2 }) => ({ field: '.path2', text: path2 ?? '' })),
  ];
  const width = (limit: { max: number }) => `${limit.max} columns; wide characters count 2`;
  const loud = loudWords(brief.client?.name ?? '');

  return [
    ...countChecks(data),
    ...rule(
      { id: 'echo.rsa_headline_length', path, limit: width(specs.headline) },
      tooLong(headlines, specs.headline.max, columns),
    ),
    ...rule(
      { id: 'echo.rsa_description_length', path, limit: width(specs.description) },
      tooLong(descriptions, specs.description.max, columns),
    ),
    ...rule(
      { id: 'echo.rsa_path_length', path, limit: width(specs.path) },
      tooLong(paths, specs.path.max, columns),
    ),
    ...rule(
      { id: 'echo.rsa_unique', path, limit: 'each text once in an advert' },
      data.rsa.flatMap((_, index) => [
        ...repeatedWithin(index, headlines),
        ...repeatedWithin(index, descriptions),
      ]),
    ),
    ...rule(
      { id: 'echo.rsa_exclamation', path, limit: 'no ! in headlines, at most one in descriptions' },
      [...matching(headlines, /[!！]/), ...matching(descriptions, /[!！].*[!！]/s)],
    ),
    ...rule(
      { id: 'echo.rsa_capitals', path, limit: 'no word over 4 letters all in capitals' },
      [...headlines, ...descriptions].flatMap((item) => {
        const [hit] = loud(item.text);
        return hit === undefined ? [] : [{ path: item.path, measured: hit }];
      }),
    ),
  ];
}

function repeatedWithin(index: number, texts: Placed[]) {
  const start = `data.rsa[${index}].`;
  return repeated(texts.filter(({ path }) => path.startsWith(start)));
}

function countChecks({ rsa }: EchoData): Check[] {
  const specs = platformSpecs().google_ads;
  const lists = ['headlines', 'descriptions'] as const;

  return lists.flatMap((list) => {
    const { min, max } = specs[list];
    const faults = rsa.flatMap((ad, index) => {
      const count = ad[list].length;
      return count >= min && count <= max
        ? []
        : [{ path: `data.rsa[${index}].${list}`, measured: count }];
    });
    return rule({ id: `echo.rsa_${list}`, path: 'data.rsa', limit: `${min} to ${max}` }, faults);
  });
}

function metaChecks({ meta }: EchoData): Check[] {
  const specs = platformSpecs().meta_ads;

  return (['primary_text', 'headline', 'description'] as const).flatMap((field) =>
    limitChecks(
      `echo.meta_${field}`,
      placed('data.meta', meta, (ad) => ({ field: `.${field}`, text: ad[field] })),
      specs[field],
    ),
  );
}

function linkedinChecks({ linkedin }: EchoData): Check[] {
  const specs = platformSpecs().linkedin_ads;

  return (['intro', 'headline', 'description'] as const).flatMap((field) =>
    limitChecks(
      `echo.linkedin_${field}`,
      placed('data.linkedin', linkedin, (ad) => ({ field: `.${field}`, text: ad[field] })),
      specs[field],
    ),
  );
}

function limitChecks(
  id: string,
  items: Placed[],
  { max, advised }: { max: number; advised: number },
): Check[] {
  const path = items[0]?.path.replace(/\[.*/, '') ?? 'data';

  return [
    ...rule({ id, path, limit: max }, tooLong(items, max)),
    ...rule(
      { id: `${id}_advised`, level: 'warn', path, limit: `${advised}; more is cut off` },
      tooLong(items, advised),
    ),
  ];
}
