/** The rows of users' data keys, and the statements that guard what is sealed under them. */
import { hashText } from '../../core/index.ts'
import { type Dialect, type Row, type Template, templates } from '../../storage/index.ts'
import type { EncryptionTables } from './encryption-tables.ts'

export interface KeyRow {
  readonly id: string
  /** The key of the ring that wrapped it. */
  readonly ringKey: string
  readonly wrapped: string
  readonly current: boolean
  readonly uses: number
  /** The one that gave the user this key; empty where none did. */
  readonly sweep: string
}

export const toKeyRow = (row: Row): KeyRow => ({
  id: String(row.id),
  ringKey: String(row.ring_key),
  wrapped: String(row.wrapped),
  current: Number(row.current) === 1,
  uses: Number(row.uses),
  sweep: String(row.sweep),
})

/** Stands for a user who is forgotten: whoever has the id can tell, nobody can read it from there. */
export const markOf = (user: string): string => hashText(`troupe.forgotten\n${user}`)

type User = { user: string }
type Key = User & { id: string }

export function dataKeyStatements(dialect: Dialect) {
  const own = templates<EncryptionTables>(dialect)
  const forgettingOf = own<{ mark: string }>((db, p) =>
    db.selectFrom('security_forgotten').select('mark').where('mark', '=', p.mark).where('user_id', 'is not', null),
  )
  const forgetting: Template<User> = ({ user }, more) => forgettingOf({ mark: markOf(user) }, more)
  return {
    all: own<User>((db, p) => db.selectFrom('security_data_keys').selectAll().where('user_id', '=', p.user)),
    /** A row while the user is being forgotten. */
    forgetting,
    ...writes(own),
    ...guards(own),
  }
}

type Own = ReturnType<typeof templates<EncryptionTables>>

/** A row each where the key is the one to seal with. Changes of one user go one after the other, so it still is at the end. */
function guards(own: Own) {
  return {
    check: own<Key>((db, p) =>
      db
        .selectFrom('security_data_keys')
        .select('id')
        .where('user_id', '=', p.user)
        .where('id', '=', p.id)
        .where('current', '=', 1),
    ),
    take: own<Key & { more: number; most: number }>((db, p) =>
      db
        .updateTable('security_data_keys')
        .set((row) => ({ uses: row('uses', '+', p.more) }))
        .where('user_id', '=', p.user)
        .where('id', '=', p.id)
        .where('current', '=', 1)
        .where('uses', '<=', p.most),
    ),
  }
}

function writes(own: Own) {
  return {
    insert: own<Key & { by: string; text: string; sweep: string }>((db, p) =>
      db
        .insertInto('security_data_keys')
        .values({ user_id: p.user, id: p.id, ring_key: p.by, wrapped: p.text, current: 1, uses: 0, sweep: p.sweep })
        .onConflict((conflict) => conflict.doNothing()),
    ),
    retire: own<Key>((db, p) =>
      db
        .updateTable('security_data_keys')
        .set({ current: 0 })
        .where('user_id', '=', p.user)
        .where('id', '=', p.id)
        .where('current', '=', 1),
    ),
    retireAll: own<User>((db, p) =>
      db.updateTable('security_data_keys').set({ current: 0 }).where('user_id', '=', p.user),
    ),
    rewrap: own<Key & { old: string; by: string; text: string }>((db, p) =>
      db
        .updateTable('security_data_keys')
        .set({ ring_key: p.by, wrapped: p.text })
        .where('user_id', '=', p.user)
        .where('id', '=', p.id)
        .where('wrapped', '=', p.old),
    ),
    drop: own<User & { keep: string }>((db, p) =>
      db.deleteFrom('security_data_keys').where('user_id', '=', p.user).where('id', '<>', p.keep),
    ),
  }
}
