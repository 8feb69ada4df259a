// Decides under which path each deliverable is published, so that no two meet and none leaves the folder.
import type { DeliverableSummary, DeliveredTask } from '../../core/delivery.ts';
import { byCodeUnits, safeName, sameNameKey, uniqueName } from './names.ts';

export const manifestName = 'manifest.json';
export const indexName = 'index.html';
export const briefName = 'brief.md';

/** A deliverable and its path below the task's folder, such as `vision/vision-brand-and-market.md`. */
export type PlannedFile = {
  deliverable: DeliverableSummary;
  folder: string;
  name: string;
  path: string;
};

/** Names that people took in a folder of the task (`''` is the task's folder itself): we step aside. */
export type Occupied = (folder: string) => readonly string[];

/** Plans every file. The same deliverables get the same paths however the database ordered them. */
export function planFiles(task: DeliveredTask, occupied: Occupied): PlannedFile[] {
  const folders = foldersOf(task, occupied);
  const takenIn = new Map<string, Set<string>>();

  return task.deliverables.toSorted(byPlace).map((deliverable) => {
    const folder = folders.get(deliverable.agent) ?? safeName(deliverable.agent, 'agent');
    const taken = takenIn.get(folder) ?? new Set(occupied(folder).map(sameNameKey));
    takenIn.set(folder, taken);

    const name = uniqueName(safeName(deliverable.name, 'file'), taken);
    return { deliverable, folder, name, path: `${folder}/${name}` };
  });
}

/** Whether a path of a manifest is one that we could have written: two plain segments. */
export function isPlannedPath(path: string): boolean {
  const segments = path.split('/');

  return segments.length === 2 && segments.every((segment) => safeName(segment, '') === segment);
}

function foldersOf(task: DeliveredTask, occupied: Occupied): Map<string, string> {
  const own = [manifestName, indexName, briefName];
  const taken = new Set([...own, ...occupied('')].map(sameNameKey));
  const agents = new Set(task.deliverables.map((deliverable) => deliverable.agent));

  return new Map(
    [...agents]
      .toSorted(byCodeUnits)
      .map((agent) => [agent, uniqueName(safeName(agent, 'agent'), taken)]),
  );
}

function byPlace(left: DeliverableSummary, right: DeliverableSummary): number {
  return (
    byCodeUnits(left.agent, right.agent) ||
    byCodeUnits(left.name, right.name) ||
    byCodeUnits(left.id, right.id)
  );
}
