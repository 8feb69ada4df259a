// Keeps people out of reports: e-mail addresses, phone numbers and names that stand in the client's tables.
import type { Brief } from '../../../core/brief.ts';
import { contactsIn, unknownContacts } from '../contacts.ts';
import type { Column, TableFinding } from '../findings.ts';
import { type FoundText, stringsOf } from '../prose.ts';

const personal =
  /(?:first|last|full|sur|customer|contact|user|client|person|buyer|lead)[ _-]?name|surname|e-?mail|phone|mobile|telefon|vorname|nachname/i;

/** True when a column's name says that it holds people's names or ways to reach them. */
export function isPersonal({ name }: Pick<Column, 'name'>): boolean {
  return personal.test(name);
}

export type Leak = { path: string; kind: string };

/** Places of the output that name a person of the tables. The value itself is not repeated in the answer. */
export function personalLeaks(output: unknown, brief: Brief, tables: TableFinding[]): Leak[] {
  const texts = stringsOf(output, '');
  // What the client wrote in the brief itself may be said; what is in its files may not.
  const told = {
    ...brief,
    attachments: brief.attachments.map(({ name, note }) => ({ name, note })),
  };
  const contacts = unknownContacts(texts, [told]).map(({ path }) => ({
    path,
    kind: 'an e-mail address or phone number',
  }));

  return [...contacts, ...nameLeaks(texts, tables, JSON.stringify(told).toLowerCase())];
}

function nameLeaks(texts: FoundText[], tables: TableFinding[], told: string): Leak[] {
  const values = tables.flatMap(personalValues).filter((value) => !told.includes(value));
  if (values.length === 0) return [];

  return texts
    .filter(({ text }) => values.some((value) => text.toLowerCase().includes(value)))
    .map(({ path }) => ({ path, kind: 'a value of a column about people' }));
}

// Short values such as "Al" would be found within other words.
function personalValues({ columns, sample }: TableFinding): string[] {
  const isAboutPeople = columns.some(isPersonal);
  // A bare `name` is a person's beside an e-mail address, and a product's elsewhere.
  return columns
    .filter((column) => isPersonal(column) || (isAboutPeople && /^name$/i.test(column.name)))
    .flatMap(({ name, examples }) => [...examples, ...sample.map((row) => row[name])])
    .filter((value) => typeof value === 'string')
    .map((value) => value.trim().toLowerCase())
    .filter((value) => value.length >= 5);
}

/** A column's name fit to be shown: tables without a header row have a person's data there. */
export function shownName(name: string, place: number): string {
  return contactsIn(name).length > 0 || name.trim() === '' ? `column ${place + 1}` : name;
}
