// A database as a new Supabase project has it: an owner that is no superuser, and grants that come by default.
import { withClient } from '../../src/postgres/connection.ts';
import type { TestDatabase } from './cluster.ts';
import { emptyDatabase } from './database.ts';

export type SupabaseProject = AsyncDisposable & {
  db: TestDatabase;
  /** Logs in as the owner of the project, who is called `postgres` there. */
  ownerUrl: string;
};

const password = 'only-for-tests';

/** Nothing of ours is in it yet. */
export async function freshSupabaseProject(): Promise<SupabaseProject> {
  await using stack = new AsyncDisposableStack();
  const owner = `owner_${crypto.randomUUID().replaceAll('-', '')}`;
  const authAdmin = `auth_${owner}`;
  const db = await emptyDatabase();
  const clusterUrl = new URL(db.adminUrl);
  clusterUrl.pathname = '/postgres';
  // In this order: the roles own things in the database.
  stack.defer(async () => {
    await withClient(clusterUrl.href, (client) => client.query(`drop role ${owner}, ${authAdmin}`));
  });
  stack.use(db);

  await db.sql(projectOf({ database: db.name, owner, authAdmin }));
  const url = new URL(db.adminUrl);
  url.username = owner;
  url.password = password;
  const made = stack.move();

  return { db, ownerUrl: url.href, [Symbol.asyncDispose]: () => made.disposeAsync() };
}

// What matters of Supabase's own start scripts. The three roles of its API are the cluster's already.
function projectOf(names: { database: string; owner: string; authAdmin: string }): string {
  const { database, owner, authAdmin } = names;
  const api = 'anon, authenticated, service_role';

  return `
    create role ${owner} login password '${password}' nosuperuser createdb createrole bypassrls;
    create role ${authAdmin} nosuperuser noinherit;
    grant ${api} to ${owner} with admin option;
    alter database ${database} owner to ${owner};

    create schema extensions;
    grant usage on schema extensions to ${owner}, ${api};
    grant usage on schema public to ${api};
    alter default privileges for role ${owner} in schema public grant all on tables to ${api};
    alter default privileges for role ${owner} in schema public grant all on functions to ${api};
    alter default privileges for role ${owner} in schema public grant all on sequences to ${api};

    create schema auth authorization ${authAdmin};
    create table auth.users (
      instance_id uuid, id uuid primary key, aud text, role text, email text, raw_app_meta_data jsonb,
      raw_user_meta_data jsonb, created_at timestamptz, updated_at timestamptz
    );
    alter table auth.users owner to ${authAdmin};
    alter table auth.users enable row level security;
    create function auth.jwt() returns jsonb language sql stable as
      $$ select nullif(current_setting('request.jwt.claims', true), '')::jsonb $$;
    create function auth.uid() returns uuid language sql stable as $$ select (auth.jwt() ->> 'sub')::uuid $$;
    create function auth.role() returns text language sql stable as $$ select auth.jwt() ->> 'role' $$;
    alter function auth.jwt() owner to ${authAdmin};
    alter function auth.uid() owner to ${authAdmin};
    alter function auth.role() owner to ${authAdmin};
    grant usage on schema auth to ${owner}, ${api};
    grant all on auth.users to ${owner};

    create publication supabase_realtime;
    alter publication supabase_realtime owner to ${owner};`;
}
