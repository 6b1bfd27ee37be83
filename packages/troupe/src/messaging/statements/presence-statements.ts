/** The rows of who is at work. */
import { sql } from 'kysely'
import type { Dialect, Statement } from '../../storage/index.ts'
import { compile, later, now, type Values } from './compile.ts'

export interface PresenceRow {
  readonly id: string
  readonly name: string
  readonly role: string
  readonly topics: string
  readonly node: string
}

/** @param aliveMs how long one beat lasts */
export function presenceStatements(dialect: Dialect, aliveMs: number) {
  const beat = compile<Values>(
    dialect,
    (p) => sql`insert into presence (user_id, session, agent, role, topics, node, joined_at, alive_until)
      values (${p.user}, ${p.id}, ${p.name}, ${p.role}, ${p.topics}, ${p.node}, ${now}, ${later(aliveMs)})
      on conflict (user_id, session) do update set alive_until = excluded.alive_until`,
  )
  const leave = compile<Values>(
    dialect,
    (p) => sql`delete from presence where user_id = ${p.user} and session = ${p.id}`,
  )
  const sweep = compile<Values>(
    dialect,
    (p) => sql`delete from presence where user_id = ${p.user} and alive_until <= ${now}`,
  )
  const present = compile<Values>(
    dialect,
    (p) => sql`select * from presence where user_id = ${p.user} and alive_until > ${now} order by joined_at, session`,
  )
  return {
    beat: (user: string, row: PresenceRow): Statement => beat({ user, ...row }),
    leave: (user: string, id: string): Statement => leave({ user, id }),
    sweep: (user: string): Statement => sweep({ user }),
    present: (user: string): Statement => present({ user }, { returns: true }),
  }
}
