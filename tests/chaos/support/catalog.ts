// Everything that migrations make, read back from the catalogs: equal texts mean equal databases.

/** Runs a query as the owner and answers with its rows. */
export type Query = (text: string) => Promise<Record<string, unknown>[]>;

/** What kind of thing, and one text for each of its kind that says all of it, in an order that does not depend on history. */
export type Catalog = Record<string, string[]>;

/** What there is of ours: tables and all that hangs on them, functions, rights, settings. Writes nothing. */
export async function catalogOf(sql: Query): Promise<Catalog> {
  const parts = await Promise.all(
    Object.entries(queries).map(async ([kind, text]) => {
      const rows = await sql(text);
      return [kind, rows.map((row) => String(row['said'])).toSorted()];
    }),
  );

  return Object.fromEntries(parts);
}

const ours = `('public', 'nightshift', 'auth', 'supabase_migrations')`;
const inOurs = `pg_namespace as schema on schema.nspname in ${ours} and schema.oid`;
// The order in which rights were granted is nothing that counts.
const rights = (acl: string): string =>
  `coalesce((select string_agg(one::text, ' ' order by one::text) from unnest(${acl}) as one), 'default')`;

const queries = {
  schemas: `
    select concat_ws(' ', schema.nspname, pg_get_userbyid(schema.nspowner), ${rights('schema.nspacl')}) as said
    from pg_namespace as schema where schema.nspname in ${ours}`,
  relations: `
    select concat_ws(' ', schema.nspname, class.relname, class.relkind, class.relpersistence,
      class.relreplident, class.relrowsecurity, class.relforcerowsecurity,
      pg_get_userbyid(class.relowner), class.reloptions, ${rights('class.relacl')}) as said
    from pg_class as class join ${inOurs} = class.relnamespace`,
  columns: `
    select concat_ws(' ', class.oid::regclass, attribute.attnum, attribute.attname,
      format_type(attribute.atttypid, attribute.atttypmod), attribute.attnotnull, attribute.attidentity,
      attribute.attgenerated, attribute.attstorage, attribute.attcollation, attribute.attoptions, attribute.attstattarget,
      pg_get_expr(preset.adbin, preset.adrelid), ${rights('attribute.attacl')}) as said
    from pg_attribute as attribute
    join pg_class as class on class.oid = attribute.attrelid and class.relkind in ('r', 'p', 'v', 'm', 'c')
    join ${inOurs} = class.relnamespace
    left join pg_attrdef as preset on preset.adrelid = class.oid and preset.adnum = attribute.attnum
    where attribute.attnum > 0 and not attribute.attisdropped`,
  constraints: `
    select concat_ws(' ', constrained.conrelid::regclass, constrained.conname, constrained.convalidated,
      pg_get_constraintdef(constrained.oid)) as said
    from pg_constraint as constrained join ${inOurs} = constrained.connamespace`,
  indexes: `
    select concat_ws(' ', pg_get_indexdef(index.indexrelid), index.indisvalid, index.indisunique,
      index.indisclustered, index.indisreplident) as said
    from pg_index as index
    join pg_class as class on class.oid = index.indexrelid
    join ${inOurs} = class.relnamespace`,
  // Their settings, such as the search path, are part of the definition.
  functions: `
    select concat_ws(' ', pg_get_functiondef(function.oid), pg_get_userbyid(function.proowner),
      ${rights('function.proacl')}) as said
    from pg_proc as function join ${inOurs} = function.pronamespace
    where function.prokind in ('f', 'p')`,
  triggers: `
    select concat_ws(' ', pg_get_triggerdef(trigger.oid), trigger.tgenabled) as said
    from pg_trigger as trigger
    join pg_class as class on class.oid = trigger.tgrelid
    join ${inOurs} = class.relnamespace
    where not trigger.tgisinternal`,
  policies: `
    select concat_ws(' ', schemaname, tablename, policyname, permissive, roles, cmd, qual, with_check) as said
    from pg_policies where schemaname in ${ours}`,
  sequences: `
    select concat_ws(' ', schemaname, sequencename, data_type, start_value, min_value, max_value,
      increment_by, cycle, cache_size) as said
    from pg_sequences where schemaname in ${ours}`,
  types: `
    select concat_ws(' ', schema.nspname, type.typname, type.typtype, type.typnotnull, type.typdefault,
      (select string_agg(label.enumlabel, ',' order by label.enumsortorder) from pg_enum as label where label.enumtypid = type.oid),
      ${rights('type.typacl')}) as said
    from pg_type as type join ${inOurs} = type.typnamespace`,
  publications: `
    select concat_ws(' ', publication.pubname, published.schemaname, published.tablename, published.attnames,
      published.rowfilter) as said
    from pg_publication as publication
    left join pg_publication_tables as published on published.pubname = publication.pubname`,
  presetRights: `
    select concat_ws(' ', pg_get_userbyid(preset.defaclrole), preset.defaclnamespace::regnamespace,
      preset.defaclobjtype, ${rights('preset.defaclacl')}) as said
    from pg_default_acl as preset`,
  comments: `
    select concat_ws(' ', place.type, place.identity, said.description) as said
    from pg_description as said
    cross join lateral pg_identify_object(said.classoid, said.objoid, said.objsubid) as place
    where place.schema in ${ours} or place.type = 'schema' and place.name in ${ours}`,
  extensions: `select concat_ws(' ', extname, extversion) as said from pg_extension`,
  settings: `
    select coalesce(setting.setrole::regrole::text, '') || ' ' || unnest(setting.setconfig) as said
    from pg_db_role_setting as setting
    join pg_database as here on here.oid = setting.setdatabase and here.datname = current_database()`,
  rules: `
    select concat_ws(' ', schemaname, tablename, rulename, definition) as said
    from pg_rules where schemaname in ${ours}`,
};
