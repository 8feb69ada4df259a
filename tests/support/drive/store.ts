// The files of the fake Drive, in memory.
import { randomBytes } from 'node:crypto';

export const folderType = 'application/vnd.google-apps.folder';
export const rootId = 'the-top-of-my-drive';

export type DriveFile = {
  id: string;
  name: string;
  mimeType: string;
  parents: string[];
  appProperties: Record<string, string>;
  createdTime: string;
  trashed: boolean;
  driveId?: string;
  capabilities: { canAddChildren: boolean };
  webViewLink: string;
  /** Made through the API by the program under test, or by people. */
  maker: 'program' | 'people';
  /** With a service account. */
  isShared: boolean;
  /** Content as uploaded, and as which type; one for each version, the newest last. */
  versions: { content: Buffer; mediaType: string }[];
};

export type Draft = Partial<
  Pick<DriveFile, 'id' | 'driveId' | 'maker' | 'isShared' | 'mimeType' | 'parents'>
> &
  Partial<Pick<DriveFile, 'appProperties' | 'capabilities' | 'trashed'>> & { name: string };

export type Store = {
  files: Map<string, DriveFile>;
  /** The most that a list gives at once. */
  pageSize: number;
  add(draft: Draft): DriveFile;
  /** Also when a folder above is in the bin. */
  isTrashed(file: DriveFile): boolean;
  /** Such as `task-1/vision/report`. */
  pathOf(file: DriveFile): string;
};

export function createStore(): Store {
  const files = new Map<string, DriveFile>();
  let ticks = Date.parse('2026-11-22T22:00:00.000Z');

  const above = (file: DriveFile): DriveFile[] =>
    file.parents.flatMap((parent) => files.get(parent) ?? []);
  const isTrashed = (file: DriveFile): boolean => file.trashed || above(file).some(isTrashed);
  const pathOf = (file: DriveFile): string => [...above(file).map(pathOf), file.name].join('/');

  return {
    files,
    pageSize: 1_000,
    isTrashed,
    pathOf,
    add(draft) {
      const id = draft.id ?? randomBytes(12).toString('base64url');
      const parents = draft.parents ?? [rootId];
      const driveId = draft.driveId ?? parents.map((parent) => files.get(parent)?.driveId)[0];
      // Files made in the same millisecond happen, and must not confuse.
      ticks += files.size % 3 === 0 ? 0 : 1;
      const file: DriveFile = {
        mimeType: folderType,
        appProperties: {},
        trashed: false,
        capabilities: { canAddChildren: true },
        maker: 'people',
        isShared: false,
        versions: [],
        ...draft,
        id,
        parents,
        createdTime: new Date(ticks).toISOString(),
        webViewLink: `https://drive.google.com/drive/folders/${id}`,
        ...(driveId !== undefined && { driveId }),
      };
      files.set(id, file);
      return file;
    },
  };
}
