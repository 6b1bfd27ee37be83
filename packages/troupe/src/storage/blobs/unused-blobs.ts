/**
 * Deletes the data of files that no content names any more. Content is deleted and replaced by statements of many
 * modules, which know nothing of blobs. So each location that named a blob is looked up now and then.
 *
 * A location loses its blob only if two lookups, some minutes apart, found that it does not name the blob, and if no
 * change has named the blob there since. A change that names a blob resets `unused` in the same change, and changes of
 * one user never overlap. So no content loses a blob that it names, and a reader has those minutes to load a blob of a
 * row that was deleted after it was read.
 */
import { sql } from 'kysely'
import type { UserId } from '../../core/index.ts'
import type { Statement } from '../changes/statement.ts'
import { compileContent, type ValueLocation } from '../content.ts'
import { statementOf } from '../dialect.ts'
import type { Row, Storage } from '../storage-port.ts'
import type { UserTable } from '../user-tables.ts'
import { compileBlobStatements } from './blob-statements.ts'
import { separatedText } from './separated-text.ts'

const minute = 60_000
/** The time from one lookup of a location to the next. */
export const lookupIntervalMs = 60 * minute
/** The time from the lookup that found nothing to the one that removes the location. */
const graceMs = 10 * minute
/** The number of locations of one change. */
const batchSize = 50

/** The name of a location as the owner of a blob. */
export const ownerAt = ({ kind, of }: ValueLocation): string => `at:${JSON.stringify([kind, ...of])}`
const locationAt = (owner: string): ValueLocation => {
  const [kind = '', ...of] = JSON.parse(owner.slice('at:'.length)) as string[]
  return { kind, of }
}

export interface UnusedBlobs {
  /**
   * Looks up the locations that are due, and deletes blobs without an owner.
   * @param maxUsers the maximal number of users
   * @returns the number of users
   */
  cleanup(maxUsers: number): Promise<number>
}

interface Due {
  readonly owner: string
  readonly hash: string
  readonly dueAt: number
  readonly unused: boolean
}
/** A column in which a kind of content may be. */
interface ContentColumn {
  readonly table: string
  readonly column: string
  readonly of: readonly string[]
}

/** @param storage as `separateFiles` */
export function createUnusedBlobs(
  storage: Pick<Storage, 'dialect' | 'read' | 'commit'>,
  tables: readonly UserTable[],
): UnusedBlobs {
  const statements = compileBlobStatements(storage.dialect)
  const columns = columnsByKind(tables)
  const readsAt = (user: UserId, owner: string): readonly Statement[] => {
    const location = locationAt(owner)
    return (columns.get(location.kind) ?? []).flatMap((column) => readOf(storage, user, column, location) ?? [])
  }
  const isNamed = async (user: UserId, due: readonly Due[]): Promise<readonly boolean[]> => {
    const reads = due.map(({ owner }) => readsAt(user, owner))
    const rows = due.length === 0 ? [] : await storage.read({ user }, reads.flat())
    let next = 0
    return due.map(({ hash }, i) => {
      const own = rows.slice(next, next + (reads[i] as readonly Statement[]).length)
      next += own.length
      return own.flat().some(({ text }) => names(text, hash))
    })
  }
  const result = (user: UserId, { owner, hash, dueAt, unused }: Due, named: boolean): readonly Statement[] => {
    if (!named && unused)
      return [statements.disownUnused({ user, owner, hash, wasDueAt: dueAt }), statements.dropUnowned({ user, hash })]
    const nextAt = { $: 'now', plusMs: named ? lookupIntervalMs : graceMs } as const
    const was = { wasDueAt: dueAt, wasUnused: Number(unused) }
    return [statements.recordLookup({ user, owner, hash, dueAt: nextAt, unused: Number(!named), ...was })]
  }
  const cleanupUser = async (user: UserId) => {
    for (let full = true; full; ) {
      const now = { $: 'now' } as const
      const read = statements.due({ user, now, limit: batchSize }, { returns: true })
      const [rows = []] = await storage.read({ user }, [read])
      full = rows.length === batchSize
      const due = rows.map(dueOf)
      const named = await isNamed(user, due)
      const results = due.flatMap((each, i) => result(user, each, named[i] === true))
      const next = full ? [] : [statements.unschedule({ user }), statements.reschedule({ user })]
      await storage.commit({ id: null, scope: { user }, statements: [...results, ...next] })
    }
  }
  return {
    async cleanup(maxUsers) {
      const due = statements.dueUsers({ now: { $: 'now' }, limit: maxUsers }, { returns: true })
      const [rows = []] = await storage.read({ work: true }, [due])
      const failures: unknown[] = []
      for (const { user_id } of rows) await cleanupUser(user_id as UserId).catch((error) => failures.push(error))
      // A user whose content cannot be read stays due, and must not stop the clean-up of the others.
      if (failures.length > 0) throw failures[0]
      return rows.length
    },
  }
}

const dueOf = ({ owner, hash, due_at, unused }: Row): Due => ({
  owner: String(owner),
  hash: String(hash),
  dueAt: Number(due_at),
  unused: Number(unused) === 1,
})

const names = (stored: Row[string] | undefined, hash: string): boolean =>
  typeof stored === 'string' && separatedText(stored)?.runs.some(([, named]) => named === hash) === true

function columnsByKind(tables: readonly UserTable[]): ReadonlyMap<string, readonly ContentColumn[]> {
  const columns = new Map<string, ContentColumn[]>()
  for (const { name, content = {} } of tables)
    for (const [column, [kind, ...of]] of Object.entries(content))
      columns.set(kind, [...(columns.get(kind) ?? []), { table: name, column, of }])
  return columns
}

/** Returns a read of the content at a location; undefined if the table cannot have that location. */
function readOf(
  { dialect }: Pick<Storage, 'dialect'>,
  user: UserId,
  { table, column, of }: ContentColumn,
  location: ValueLocation,
): Statement | undefined {
  if (of.length !== location.of.length) return undefined
  const where = [sql`user_id = ${user}`, sql`${sql.ref(column)} is not null`]
  for (const [i, name] of of.entries()) {
    const value = location.of[i] as string
    if (!name.startsWith('=')) where.push(sql`${sql.ref(name)} = ${value}`)
    else if (name.slice(1) !== value) return undefined
  }
  const columns = [
    sql`${sql.ref(column)} as text`,
    ...of.filter((name) => !name.startsWith('=')).map((name) => sql.ref(name)),
  ]
  const query = sql`select ${sql.join(columns)} from ${sql.table(table)} where ${sql.join(where, sql` and `)}`
  const content = compileContent({ text: [location.kind, ...of] }, [])
  return { ...statementOf(dialect, query), content, returns: true }
}
