// Drive's search language, as much of it as is used: terms joined by `and`. Anything else is an error.

type Searched = {
  name: string;
  mimeType: string;
  parents: readonly string[];
  appProperties: Record<string, string>;
};

type Test = (file: Searched, isTrashed: boolean) => boolean;

const string = String.raw`'((?:[^'\\]|\\['\\])*)'`;
const terms: [RegExp, (first: string, second: string) => Test][] = [
  [
    new RegExp(String.raw`^appProperties has \{ *key=${string} and value=${string} *\}`),
    (key, value) => (file) => file.appProperties[key] === value,
  ],
  [new RegExp(`^${string} in parents`), (id) => (file) => file.parents.includes(id)],
  [new RegExp(`^mimeType *= *${string}`), (type) => (file) => file.mimeType === type],
  [new RegExp(`^mimeType *!= *${string}`), (type) => (file) => file.mimeType !== type],
  [new RegExp(`^name *= *${string}`), (name) => (file) => file.name === name],
  [/^trashed *= *(true|false)/, (value) => (_, isTrashed) => String(isTrashed) === value],
];

/** Throws a plain Error for what Drive might not understand. */
export function parseQuery(q: string): Test {
  const tests: Test[] = [];
  let rest = q.trim();

  for (;;) {
    const found = terms
      .map(([pattern, make]) => ({ match: pattern.exec(rest), make }))
      .find(({ match }) => match !== null);
    if (!found?.match) throw new Error(`q: not understood: ${rest}`);
    const [whole, first = '', second = ''] = found.match;
    tests.push(found.make(unquoted(first), unquoted(second)));

    rest = rest.slice(whole.length);
    if (rest === '') return (file, isTrashed) => tests.every((test) => test(file, isTrashed));
    if (!rest.startsWith(' and ')) throw new Error(`q: not understood: ${rest}`);
    rest = rest.slice(' and '.length);
  }
}

function unquoted(text: string): string {
  return text.replace(/\\(['\\])/g, '$1');
}
