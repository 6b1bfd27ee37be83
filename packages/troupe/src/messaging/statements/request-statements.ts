/** Requests outside a step: a row until the answer is read or the timeout has passed. */

import { sql } from 'kysely'
import type { Now } from '../../storage/index.ts'
import { type Compile, type MailboxKey, type MessageKey, storageNow } from './compile.ts'

export const requestStatements = (compile: Compile) => ({
  open: compile<MessageKey & { until: Now }>(
    (p) =>
      sql`insert into message_requests (user_id, id, expires_at, answer) values (${p.user}, ${p.id}, ${p.until}, null)`,
  ),
  answer: compile<MessageKey & { answer: string }>(
    (p) =>
      sql`update message_requests set answer = ${p.answer} where user_id = ${p.user} and id = ${p.id} and answer is null`,
  ),
  find: compile<MessageKey>((p) => sql`select answer from message_requests where user_id = ${p.user} and id = ${p.id}`),
  close: compile<MessageKey>((p) => sql`delete from message_requests where user_id = ${p.user} and id = ${p.id}`),
  /** Withdraws the message of a request unless it is leased. */
  withdraw: compile<MailboxKey & MessageKey>(
    (
      p,
    ) => sql`update messages set expires_at = ${storageNow} where user_id = ${p.user} and mailbox = ${p.mailbox} and id = ${p.id}
      and state in ('ready', 'held') and (token is null or not exists (select 1 from mailbox_lanes l
        where l.user_id = messages.user_id and l.mailbox = messages.mailbox and l.lane = messages.lane
          and l.token = messages.token and l.lease_until > ${storageNow}))`,
  ),
})
