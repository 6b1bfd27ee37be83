/** The rows of present workers. */

import { sql } from 'kysely'
import type { Dialect } from '../../storage/index.ts'
import { compilerOf, later, storageNow } from './compile.ts'

type Worker = { readonly user: string; readonly name: string }

export type PresenceValues = Worker & {
  readonly id: string
  readonly role: string
  readonly topics: string
  readonly processId: string
}

/** How long the detail of a worker that has left is stored, in ms, because its messages may still wait. */
const rememberedMs = 24 * 3_600_000

/** @param aliveMs how long one beat lasts */
export function presenceStatements(dialect: Dialect, aliveMs: number) {
  const compile = compilerOf(dialect)
  return {
    beat: compile<PresenceValues>(
      (p) => sql`insert into presence (user_id, session, agent, role, topics, process_id, joined_at, alive_until)
        values (${p.user}, ${p.id}, ${p.name}, ${p.role}, ${p.topics}, ${p.processId}, ${storageNow}, ${later(aliveMs)})
        on conflict (user_id, session) do update set alive_until = excluded.alive_until`,
    ),
    leave: compile<{ user: string; id: string }>(
      (p) =>
        sql`update presence set alive_until = ${storageNow} where user_id = ${p.user} and session = ${p.id} and alive_until > ${storageNow}`,
    ),
    /** Removes the announcements of earlier starts of the worker. */
    replace: compile<Worker>(
      (p) => sql`delete from presence where user_id = ${p.user} and agent = ${p.name} and alive_until <= ${storageNow}`,
    ),
    cleanup: compile<{ user: string }>(
      (p) => sql`delete from presence where user_id = ${p.user} and alive_until <= ${later(-rememberedMs)}`,
    ),
    /** Returns the worker that has this name, or had it last. */
    last: compile<Worker>(
      (p) => sql`select * from presence where user_id = ${p.user} and agent = ${p.name}
        order by case when alive_until > ${storageNow} then 0 else 1 end, alive_until desc limit 1`,
    ),
    present: compile<{ user: string }>(
      (p) =>
        sql`select * from presence where user_id = ${p.user} and alive_until > ${storageNow} order by joined_at, session`,
    ),
  }
}
