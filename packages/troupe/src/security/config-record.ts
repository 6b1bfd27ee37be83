/**
 * The hashes of the options that decide about access. If the configuration differs from that of the last opening, the audit log
 * records the names of the options that differ.
 */
import { sql } from 'kysely'
import { postgresTables, type Storage, templates, workTable } from '../storage/index.ts'
import type { AuditTrail } from './audit/index.ts'
import { commitWork } from './commit-work.ts'

const tables = ['create table security_config (name text not null primary key, hash text not null)']

export const configSchema = { sqlite: tables, postgres: [...postgresTables(tables), workTable('security_config')] }

/**
 * @param hashes the hash of each option, by its name
 * @returns the names of options that differ from the last opening; none at the first opening
 */
export async function recordConfig(
  { storage, audit }: { readonly storage: Pick<Storage, 'dialect' | 'read' | 'commit'>; readonly audit: AuditTrail },
  hashes: ReadonlyMap<string, string>,
): Promise<readonly string[]> {
  const compile = templates(storage.dialect)
  const all = compile(() => sql`select name, hash from security_config`)
  const put = compile<{ name: string; hash: string }>(
    (p) => sql`insert into security_config (name, hash) values (${p.name}, ${p.hash})
      on conflict (name) do update set hash = excluded.hash`,
  )
  const [rows = []] = await storage.read({ work: true }, [all({})])
  const last = new Map(rows.map((row) => [String(row.name), String(row.hash)]))
  const changed = [...hashes].filter(([name, hash]) => last.get(name) !== hash)
  if (changed.length === 0) return []
  const names = last.size === 0 ? [] : changed.map(([name]) => name).sort()
  const auditStatements =
    names.length === 0 ? [] : audit.actionStatements({ operation: 'config.change', resource: names.join(' ') })
  const statements = [...changed.map(([name, hash]) => put({ name, hash })), ...auditStatements]
  await commitWork(storage, statements)
  return names
}
