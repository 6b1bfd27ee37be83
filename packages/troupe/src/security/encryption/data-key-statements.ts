/** The rows of users' data keys, and the statements that guard values encrypted with them. */

import { sql } from 'kysely'
import { hashText } from '../../core/index.ts'
import { type Dialect, type Row, type Template, templates } from '../../storage/index.ts'

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
  const compile = templates(dialect)
  const erasingOf = compile<{ mark: string }>(
    (p) => sql`select mark from security_erased_users where mark = ${p.mark} and user_id is not null`,
  )
  const erasing: Template<User> = ({ user }, more) => erasingOf({ mark: markOf(user) }, more)
  /** Changes of one user are serial, so the key that is current now still is at the end. */
  const current = (p: Key) => sql`user_id = ${p.user} and id = ${p.id} and current = 1`
  return {
    all: compile<User>((p) => sql`select * from security_data_keys where user_id = ${p.user}`),
    /** Returns a row while the user is being erased. */
    erasing,
    /** Returns a row if the key is the current one. */
    check: compile<Key>((p) => sql`select id from security_data_keys where ${current(p)}`),
    countUse: compile<Key & { more: number; maxUses: number }>(
      (p) => sql`update security_data_keys set uses = uses + ${p.more} where ${current(p)} and uses <= ${p.maxUses}`,
    ),
    insert: compile<Key & { by: string; text: string; reencryption: string }>(
      (p) => sql`insert into security_data_keys (user_id, id, ring_key, wrapped, current, uses, reencryption)
        values (${p.user}, ${p.id}, ${p.by}, ${p.text}, 1, 0, ${p.reencryption}) on conflict do nothing`,
    ),
    retireKey: compile<Key>((p) => sql`update security_data_keys set current = 0 where ${current(p)}`),
    retireAllKeys: compile<User>((p) => sql`update security_data_keys set current = 0 where user_id = ${p.user}`),
    rewrap: compile<Key & { old: string; by: string; text: string }>(
      (p) => sql`update security_data_keys set ring_key = ${p.by}, wrapped = ${p.text}
        where user_id = ${p.user} and id = ${p.id} and wrapped = ${p.old}`,
    ),
    /** Returns the current key, if there is one. */
    anyCurrent: compile<User>((p) => sql`select id from security_data_keys where user_id = ${p.user} and current = 1`),
    drop: compile<User & { except: string }>(
      (p) => sql`delete from security_data_keys where user_id = ${p.user} and id <> ${p.except}`,
    ),
  }
}
