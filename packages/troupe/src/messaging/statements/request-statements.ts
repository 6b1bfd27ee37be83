/** Requests that somebody outside a step waits for: a row until the answer is fetched or the time is over. */
import { sql } from 'kysely'
import type { Dialect, Now, Statement } from '../../storage/index.ts'
import { compile, type Values } from './compile.ts'

export function requestStatements(dialect: Dialect) {
  const open = compile<Values>(
    dialect,
    (p) =>
      sql`insert into message_requests (user_id, id, expires_at, answer) values (${p.user}, ${p.id}, ${p.until}, null)`,
  )
  const answer = compile<Values>(
    dialect,
    (p) =>
      sql`update message_requests set answer = ${p.answer} where user_id = ${p.user} and id = ${p.id} and answer is null`,
  )
  const look = compile<Values>(
    dialect,
    (p) => sql`select answer from message_requests where user_id = ${p.user} and id = ${p.id}`,
  )
  const close = compile<Values>(
    dialect,
    (p) => sql`delete from message_requests where user_id = ${p.user} and id = ${p.id}`,
  )
  return {
    open: (user: string, id: string, until: Now): Statement => open({ user, id, until }),
    answer: (user: string, id: string, json: string): Statement => answer({ user, id, answer: json }),
    look: (user: string, id: string): Statement => look({ user, id }, { returns: true }),
    close: (user: string, id: string): Statement => close({ user, id }),
  }
}
