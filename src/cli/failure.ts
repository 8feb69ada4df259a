// What a failed command says, and the code that it ends with.
import { CommanderError } from 'commander';

import { type ErrorCode, isAppError, messageOf } from '../core/errors.ts';
import { plain } from './plain.ts';

export const exitCodes = { ok: 0, failed: 1, usage: 2, configuration: 78 } as const;

const usageErrors: readonly ErrorCode[] = [
  'usage',
  'brief_invalid',
  'agent_unknown',
  'file_not_readable',
  'file_exists',
];
const configurationErrors: readonly ErrorCode[] = [
  'config_invalid',
  'agent_definition_invalid',
  'database_key_refused',
  'database_newer',
];

export function exitCodeOf(error: unknown): number {
  // Help and version end by an error too, of code 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  if (!isAppError(error)) return exitCodes.failed;
  if (usageErrors.includes(error.code)) return exitCodes.usage;

  return configurationErrors.includes(error.code) ? exitCodes.configuration : exitCodes.failed;
}

/** The message for people, or one line of JSON; null when it was said already. */
export function failureText(error: unknown, asJson: boolean): string | null {
  if (error instanceof CommanderError) return null;
  const code = isAppError(error) ? error.code : 'unexpected';
  const message = messageOf(error);
  if (asJson) return JSON.stringify({ error: { code, message } });

  // Only a bug ends here with something else than an error of ours: then where it happened helps.
  const trace = !isAppError(error) && error instanceof Error ? `\n${error.stack ?? ''}` : '';
  return `nightshift: ${message}${trace}`.split('\n').map(plainIndented).join('\n');
}

// Messages quote what people and pages wrote: nothing in them may steer the terminal.
export function plainIndented(line: string): string {
  return ' '.repeat(line.length - line.trimStart().length) + plain(line);
}
