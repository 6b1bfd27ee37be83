/** Requests outside a step: a row until the answer is read or the timeout has passed. */
import { sql } from 'kysely'
import type { Dialect, Now, Statement } from '../../storage/index.ts'
import { compile, storageNow, type Values } from './compile.ts'

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
  const find = compile<Values>(
    dialect,
    (p) => sql`select answer from message_requests where user_id = ${p.user} and id = ${p.id}`,
  )
  const close = compile<Values>(
    dialect,
    (p) => sql`delete from message_requests where user_id = ${p.user} and id = ${p.id}`,
  )
  const withdraw = compile<Values>(
    dialect,
    (
      p,
    ) => sql`update messages set expires_at = ${storageNow} where user_id = ${p.user} and mailbox = ${p.mailbox} and id = ${p.id}
      and state in ('ready', 'held') and (token is null or not exists (select 1 from mailbox_lanes l
        where l.user_id = messages.user_id and l.mailbox = messages.mailbox and l.lane = messages.lane
          and l.token = messages.token and l.lease_until > ${storageNow}))`,
  )
  return {
    /** Withdraws the message of a request unless it is leased. */
    withdraw: (user: string, mailbox: string, id: string): Statement => withdraw({ user, mailbox, id }),
    open: (user: string, id: string, until: Now): Statement => open({ user, id, until }),
    answer: (user: string, id: string, json: string): Statement => answer({ user, id, answer: json }),
    find: (user: string, id: string): Statement => find({ user, id }, { returns: true }),
    close: (user: string, id: string): Statement => close({ user, id }),
  }
}
