/** All that the catalogues say of a schema, as lines that are the same for the same schema under another name. */
import type { Client } from 'pg'

const of = "c.relnamespace = $1::text::regnamespace and c.relkind in ('r', 'i', 'S', 'v')"
const queries: Readonly<Record<string, string>> = {
  table: `select c.relname, c.relkind, c.relrowsecurity, c.relforcerowsecurity, c.relowner::regrole::text as owner,
    (select array_agg(a::text order by a::text) from unnest(c.relacl) a) as rights, obj_description(c.oid, 'pg_class') as note
    from pg_class c where ${of}`,
  column: `select c.relname, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod) as type, a.attnotnull, a.attidentity,
    a.attcollation::regcollation::text as collation, pg_get_expr(d.adbin, d.adrelid) as standard
    from pg_class c join pg_attribute a on a.attrelid = c.oid left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
    where ${of} and a.attnum > 0`,
  index: `select pg_get_indexdef(i.indexrelid) as text from pg_index i join pg_class c on c.oid = i.indexrelid where ${of}`,
  constraint: `select conname, conrelid::regclass::text as relation, pg_get_constraintdef(oid) as text from pg_constraint
    where connamespace = $1::text::regnamespace`,
  trigger: `select pg_get_triggerdef(t.oid) as text from pg_trigger t join pg_class c on c.oid = t.tgrelid
    where ${of} and not t.tgisinternal`,
  function: `select pg_get_functiondef(oid) as text, (select array_agg(a::text order by a::text) from unnest(proacl) a) as rights
    from pg_proc where pronamespace = $1::text::regnamespace`,
  policy: `select tablename, policyname, permissive, roles, cmd, qual, with_check from pg_policies where schemaname = $1`,
}

export async function dumpSchema(client: Client, schema: string): Promise<readonly string[]> {
  const lines: string[] = []
  for (const [kind, sql] of Object.entries(queries)) {
    const { rows } = await client.query(sql, [schema])
    lines.push(...rows.map((row) => `${kind} ${JSON.stringify(row).replaceAll(schema, 'SCHEMA')}`))
  }
  const { rows } = await client.query(`select module, version, name, lowest_reader from ${schema}.storage_schema`)
  const settings = await client.query(`select name, length(value) from ${schema}.storage_settings`)
  return [...lines, ...[...rows, ...settings.rows].map((row) => JSON.stringify(row))].sort()
}
