/** The rows of present workers. */
import { sql } from 'kysely'
import type { Dialect, Statement } from '../../storage/index.ts'
import { compile, later, storageNow, type Values } from './compile.ts'

export interface PresenceRow {
  readonly id: string
  readonly name: string
  readonly role: string
  readonly topics: string
  readonly processId: string
}

/** How long the detail of a worker that has left is stored, in ms, because its messages may still wait. */
const rememberedMs = 24 * 3_600_000

/** @param aliveMs how long one beat lasts */
export function presenceStatements(dialect: Dialect, aliveMs: number) {
  const beat = compile<Values>(
    dialect,
    (p) => sql`insert into presence (user_id, session, agent, role, topics, process_id, joined_at, alive_until)
      values (${p.user}, ${p.id}, ${p.name}, ${p.role}, ${p.topics}, ${p.processId}, ${storageNow}, ${later(aliveMs)})
      on conflict (user_id, session) do update set alive_until = excluded.alive_until`,
  )
  const leave = compile<Values>(
    dialect,
    (p) =>
      sql`update presence set alive_until = ${storageNow} where user_id = ${p.user} and session = ${p.id} and alive_until > ${storageNow}`,
  )
  const replace = compile<Values>(
    dialect,
    (p) => sql`delete from presence where user_id = ${p.user} and agent = ${p.name} and alive_until <= ${storageNow}`,
  )
  const cleanup = compile<Values>(
    dialect,
    (p) => sql`delete from presence where user_id = ${p.user} and alive_until <= ${later(-rememberedMs)}`,
  )
  const last = compile<Values>(
    dialect,
    (p) => sql`select * from presence where user_id = ${p.user} and agent = ${p.name}
      order by case when alive_until > ${storageNow} then 0 else 1 end, alive_until desc limit 1`,
  )
  const present = compile<Values>(
    dialect,
    (p) =>
      sql`select * from presence where user_id = ${p.user} and alive_until > ${storageNow} order by joined_at, session`,
  )
  return {
    beat: (user: string, row: PresenceRow): Statement => beat({ user, ...row }),
    leave: (user: string, id: string): Statement => leave({ user, id }),
    cleanup: (user: string): Statement => cleanup({ user }),
    /** Removes the announcements of earlier starts of the worker. */
    replace: (user: string, name: string): Statement => replace({ user, name }),
    /** Returns the worker that has this name, or had it last. */
    last: (user: string, name: string): Statement => last({ user, name }, { returns: true }),
    present: (user: string): Statement => present({ user }, { returns: true }),
  }
}
