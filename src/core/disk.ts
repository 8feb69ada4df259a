// How a disk says that it takes nothing more (no room, no quota left, read only), and how much room is to be left on it.
import { type ErrorCode, isAppError } from './errors.ts';

const systemCodes: readonly unknown[] = ['ENOSPC', 'EDQUOT', 'EROFS'];
const ownCodes: readonly string[] = ['disk_full', 'disk_read_only'] satisfies ErrorCode[];

/** True for codes of the catalogue that speak of the disk, not of the work: it is as good as before. */
export function isDiskCode(code: string): boolean {
  return ownCodes.includes(code);
}

/** Whether that is why it was thrown, also when it is the cause of what was thrown. */
export function isDiskFault(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (isAppError(error) && isDiskCode(error.code)) return true;
  if ('code' in error && systemCodes.includes(error.code)) return true;

  return error.cause !== error && isDiskFault(error.cause);
}

const smallDiskShare = 0.1;

/** Below so many bytes nothing is claimed. A mark that a small disk can never reach would stop all work on it for ever. */
export function lowWaterOf(totalBytes: number, settingMb: number): number {
  return Math.min(settingMb * 1_000_000, totalBytes * smallDiskShare);
}
