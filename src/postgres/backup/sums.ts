// The last entry of a backup: a SHA-256 sum for every other one, in the form that `sha256sum -c` takes.
export const sumsName = 'SHA256SUMS';

/** Collects the sums in the order of the entries. */
export type Sums = {
  add(name: string, sha256: string): void;
  text(): string;
};

export function createSums(): Sums {
  const lines: string[] = [];

  return {
    add: (name, sha256) => void lines.push(`${sha256}  ${name}\n`),
    text: () => lines.join(''),
  };
}
