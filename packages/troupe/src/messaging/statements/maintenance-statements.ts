/** Finds messages that must be moved or removed, a bounded number at a time. Each is then moved in its own change. */

import { sql } from 'kysely'
import { type Compile, type MailboxKey, ofMailbox, storageNow } from './compile.ts'

/** The number of mailboxes that `heldAnywhere` returns at most. */
export const maxHeldMailboxes = 1_000

export function maintenanceStatements(compile: Compile, settings: { readonly maxAttempts: number }) {
  const messagesOf = (p: MailboxKey) => sql`m.user_id = ${p.user} and m.mailbox = ${p.mailbox}`
  const free = sql`not exists (select 1 from mailbox_lanes l where l.user_id = m.user_id and l.mailbox = m.mailbox and l.lane = m.lane
    and l.token = m.token and l.lease_until > ${storageNow})`
  return {
    /** Finds scheduled messages that are due. */
    due: compile<MailboxKey>(
      (p) => sql`select * from messages where ${ofMailbox(p)} and state = 'scheduled' and available_at <= ${storageNow}
        order by available_at, seq limit 100`,
    ),
    expired: compile<MailboxKey>(
      (p) => sql`select m.* from messages m where ${messagesOf(p)} and m.state = 'ready'
        and m.expires_at is not null and m.expires_at <= ${storageNow} and ${free} order by m.expires_at limit 100`,
    ),
    /** Finds heads with exhausted attempts. */
    exhausted: compile<MailboxKey>(
      (p) => sql`select m.* from mailbox_lanes l join messages m
          on m.user_id = l.user_id and m.mailbox = l.mailbox and m.seq = l.head_seq
        where l.user_id = ${p.user} and l.mailbox = ${p.mailbox} and l.token is not null and l.lease_until <= ${storageNow}
          and m.attempts >= ${settings.maxAttempts} limit 100`,
    ),
    read: compile<MailboxKey>(
      (p) => sql`select m.* from messages m where ${messagesOf(p)} and m.state = 'ready'
        and m.read_at is not null and ${free} order by m.seq limit 20`,
    ),
    oldest: compile<MailboxKey & { limit: number }>(
      (p) => sql`select m.user_id, m.mailbox, m.seq, m.id, m.lane, m.bytes, m.state, m.type, m.reply_to from messages m
        where ${messagesOf(p)} and m.state in ('ready', 'scheduled') and ${free} order by m.seq limit ${p.limit}`,
    ),
    usage: compile<MailboxKey>((p) => sql`select count, bytes from mailboxes where ${ofMailbox(p)}`),
    held: compile<MailboxKey>(
      (p) => sql`select * from messages where ${ofMailbox(p)} and state = 'held' order by seq limit 100`,
    ),
    /** Returns mailboxes of all users that hold messages back, after one; the empty names are before all. */
    heldAnywhere: compile<MailboxKey>(
      (p) => sql`select user_id, mailbox from message_outbox where (user_id, mailbox) > (${p.user}, ${p.mailbox})
        order by user_id, mailbox limit ${maxHeldMailboxes}`,
    ),
    nextExpiry: compile<MailboxKey>(
      (p) => sql`select min(expires_at) as at, cast(${storageNow} as bigint) as now from messages
        where ${ofMailbox(p)} and state = 'ready' and expires_at is not null`,
    ),
    nextScheduled: compile<MailboxKey>(
      (p) => sql`select min(available_at) as at, cast(${storageNow} as bigint) as now from messages
        where ${ofMailbox(p)} and state = 'scheduled'`,
    ),
  }
}
