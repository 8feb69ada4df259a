// Databases for single tests: `await using db = await freshDatabase()`.
import { inject } from 'vitest';

import { createDatabase, type TestDatabase } from './cluster.ts';

/** A migrated, empty database on the cluster of this test run. */
export function freshDatabase(): Promise<TestDatabase> {
  return createDatabase(inject('cluster'));
}

/** A database with nothing in it, not even the prelude. */
export function emptyDatabase(): Promise<TestDatabase> {
  return createDatabase(inject('cluster'), 'template0');
}
