/** Deletes rows that are no longer needed, a bounded number at a time. */
import { type RawBuilder, sql } from 'kysely'
import { type Dialect, oneOf, type Statement } from '../../storage/index.ts'
import { compilerOf, later, type MailboxKey, type MessageKey, ofMailbox, storageNow } from './compile.ts'
import type { seenStatements } from './seen-statements.ts'

/** The number of acknowledged messages, and of dead letters, that a mailbox stores. */
const maxDoneMessages = 500
const maxDeadLetters = 10_000
/** The number of ended messages above `largeMessageBytes` that are kept, the newest ones. */
const maxLargeMessages = 20
export const largeMessageBytes = 256 * 1024
export const deadForMs = 30 * 24 * 3_600_000

export function cleanupStatements(dialect: Dialect, seen: ReturnType<typeof seenStatements>) {
  const compile = compilerOf(dialect)
  const done = (p: MailboxKey) => sql`${ofMailbox(p)} and state = 'done' and dedupe_id is null`
  const dead = (p: MailboxKey) => sql`${ofMailbox(p)} and state = 'dead'`
  const remove = (which: (p: MailboxKey) => RawBuilder<unknown>) =>
    compile<MailboxKey>((p) => sql`delete from messages where ${ofMailbox(p)} and seq ${oneOf(dialect, which(p))}`)
  const removals = [
    remove(
      (p) => sql`select seq from messages where ${done(p)} and ended_at <= (select ended_at from messages
        where ${done(p)} order by ended_at desc limit 1 offset ${maxDoneMessages}) order by ended_at limit 1000`,
    ),
    // Fewer large messages are stored, because each uses the space of thousands.
    remove(
      (p) => sql`select seq from messages where ${done(p)} and bytes > ${largeMessageBytes}
        order by ended_at desc limit 1000 offset ${maxLargeMessages}`,
    ),
    remove(
      (p) => sql`select seq from messages where ${dead(p)} and (ended_at <= ${later(-deadForMs)}
        or seq <= coalesce((select seq from messages where ${dead(p)} order by seq desc limit 1 offset ${maxDeadLetters}), -1))
        order by seq limit 1000`,
    ),
  ]
  const overdue = (p: MailboxKey) =>
    sql`user_id = ${p.user} and dedupe_id is not null and dedupe_until <= ${storageNow}`
  const dedupe = compile<MailboxKey>((p) => {
    const some = sql`select seq from messages where ${overdue(p)} order by dedupe_until limit 1000`
    return sql`update messages set dedupe_id = null where ${overdue(p)} and seq ${oneOf(dialect, some)}`
  })
  const lanes = compile<MailboxKey>((p) => sql`delete from mailbox_lanes where ${ofMailbox(p)} and depth = 0`)
  const requests = compile<MailboxKey>(
    (p) => sql`delete from message_requests where user_id = ${p.user} and expires_at <= ${later(-60_000)}`,
  )
  const perMailbox = [dedupe, ...removals, lanes, requests]
  return {
    mailbox: (key: MailboxKey): readonly Statement[] => [...perMailbox.map((one) => one(key)), seen.cleanup(key)],
    /** Records a message whose payload is stored separately, so that the payload is deleted with the message. */
    largePayload: compile<MailboxKey & MessageKey>(
      (p) => sql`insert into message_payloads (user_id, mailbox, id) values (${p.user}, ${p.mailbox}, ${p.id})
        on conflict do nothing`,
    ),
    /** Returns the ids of payloads, at most 100, whose message is deleted, or was a duplicate that was not stored. */
    orphaned: compile<MailboxKey>(
      (p) => sql`select id from message_payloads where ${ofMailbox(p)} and not exists (select 1 from messages m
        where m.user_id = message_payloads.user_id and m.id = message_payloads.id) limit 100`,
    ),
    forget: compile<MessageKey>((p) => sql`delete from message_payloads where user_id = ${p.user} and id = ${p.id}`),
  }
}
