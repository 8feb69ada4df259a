// The texts that must never show: what the secrets of the configuration hold, and the passwords of the home's database.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

// Addresses, numbers and names, which people need to see. What is not known to be harmless is hidden.
const harmless = /(_URL|_ROOT|_IDS?|_FILE)$|PUBLISHABLE/;

/** Never throws. */
export function secretValues(
  home: string,
  secrets: Readonly<Record<string, string | undefined>>,
): string[] {
  const configured = Object.entries(secrets).flatMap(([name, value]) => {
    if (value === undefined) return [];
    return [...(harmless.test(name) ? [] : [value]), ...passwordsIn(value)];
  });

  return [...configured, ...databasePasswords(home)];
}

/** The whole address and its password, as it is written there and as it is meant. */
function passwordsIn(value: string): string[] {
  if (!URL.canParse(value)) return [];
  const { password, username, pathname } = new URL(value);
  // A password that is a name, as on a developer's machine, would hide that name everywhere.
  if (password === '' || [username, pathname.slice(1)].includes(password)) return [];

  return [value, password, decoded(password)];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function databasePasswords(home: string): string[] {
  const folder = path.join(home, 'postgres');
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.password'))
      .map((name) => readFileSync(path.join(folder, name), 'utf8'));
  } catch {
    // There is none yet, or it is another user's: then we cannot tell it either.
    return [];
  }
}
