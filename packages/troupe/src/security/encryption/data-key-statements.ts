/** The rows of users' data keys, and the statements that guard values encrypted with them. */
import { hashText } from '../../core/index.ts'
import { type Dialect, type Row, type Template, templates } from '../../storage/index.ts'
import type { EncryptionTables } from './encryption-tables.ts'

export interface KeyRow {
  readonly id: string
  /** The key of the ring that wrapped it. */
  readonly wrappingKey: string
  readonly wrapped: string
  readonly current: boolean
  readonly uses: number
  /** The id of the re-encryption that created the key; empty if none did. */
  readonly reencryption: string
}

export const toKeyRow = (row: Row): KeyRow => ({
  id: String(row.id),
  wrappingKey: String(row.ring_key),
  wrapped: String(row.wrapped),
  current: Number(row.current) === 1,
  uses: Number(row.uses),
  reencryption: String(row.reencryption),
})

/** Returns the mark of an erased user: a hash, from which the id cannot be read. */
export const markOf = (user: string): string => hashText(`troupe.forgotten\n${user}`)

type User = { user: string }
type Key = User & { id: string }

export function dataKeyStatements(dialect: Dialect) {
  const own = templates<EncryptionTables>(dialect)
  const erasingOf = own<{ mark: string }>((db, p) =>
    db.selectFrom('security_erased_users').select('mark').where('mark', '=', p.mark).where('user_id', 'is not', null),
  )
  const erasing: Template<User> = ({ user }, more) => erasingOf({ mark: markOf(user) }, more)
  return {
    all: own<User>((db, p) => db.selectFrom('security_data_keys').selectAll().where('user_id', '=', p.user)),
    /** Returns a row while the user is being erased. */
    erasing,
    ...writes(own),
    ...guards(own),
  }
}

type Own = ReturnType<typeof templates<EncryptionTables>>

/** Returns a row each if the key is the current one. Changes of one user are serial, so it still is at the end. */
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
    countUse: own<Key & { more: number; maxUses: number }>((db, p) =>
      db
        .updateTable('security_data_keys')
        .set((row) => ({ uses: row('uses', '+', p.more) }))
        .where('user_id', '=', p.user)
        .where('id', '=', p.id)
        .where('current', '=', 1)
        .where('uses', '<=', p.maxUses),
    ),
  }
}

function writes(own: Own) {
  return {
    insert: own<Key & { by: string; text: string; reencryption: string }>((db, p) =>
      db
        .insertInto('security_data_keys')
        .values({
          user_id: p.user,
          id: p.id,
          ring_key: p.by,
          wrapped: p.text,
          current: 1,
          uses: 0,
          reencryption: p.reencryption,
        })
        .onConflict((conflict) => conflict.doNothing()),
    ),
    retireKey: own<Key>((db, p) =>
      db
        .updateTable('security_data_keys')
        .set({ current: 0 })
        .where('user_id', '=', p.user)
        .where('id', '=', p.id)
        .where('current', '=', 1),
    ),
    retireAllKeys: own<User>((db, p) =>
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
    drop: own<User & { except: string }>((db, p) =>
      db.deleteFrom('security_data_keys').where('user_id', '=', p.user).where('id', '<>', p.except),
    ),
  }
}
