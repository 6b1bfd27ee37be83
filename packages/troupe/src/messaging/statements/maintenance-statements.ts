/** Finds messages that must be moved or removed, a bounded number at a time. Each is then moved in its own change. */
import { sql } from 'kysely'
import type { Dialect } from '../../storage/index.ts'
import { compile, storageNow, type Values } from './compile.ts'

/** The number of mailboxes that `heldAnywhere` returns at most. */
export const maxHeldMailboxes = 1_000

export function maintenanceStatements(dialect: Dialect, settings: { readonly maxAttempts: number }) {
  const of = (p: Values) => sql`user_id = ${p.user} and mailbox = ${p.mailbox}`
  const ofLane = sql`l.user_id = m.user_id and l.mailbox = m.mailbox and l.lane = m.lane`
  const due = compile<Values>(
    dialect,
    (p) => sql`select * from messages where ${of(p)} and state = 'scheduled' and available_at <= ${storageNow}
      order by available_at, seq limit 100`,
  )
  const exhausted = compile<Values>(
    dialect,
    (p) => sql`select m.* from mailbox_lanes l join messages m
        on m.user_id = l.user_id and m.mailbox = l.mailbox and m.seq = l.head_seq
      where l.user_id = ${p.user} and l.mailbox = ${p.mailbox} and l.token is not null and l.lease_until <= ${storageNow}
        and m.attempts >= ${settings.maxAttempts} limit 100`,
  )
  const free = sql`not exists (select 1 from mailbox_lanes l where ${ofLane} and l.token = m.token and l.lease_until > ${storageNow})`
  const expired = compile<Values>(
    dialect,
    (p) => sql`select m.* from messages m where m.user_id = ${p.user} and m.mailbox = ${p.mailbox} and m.state = 'ready'
      and m.expires_at is not null and m.expires_at <= ${storageNow} and ${free} order by m.expires_at limit 100`,
  )
  const read = compile<Values>(
    dialect,
    (p) => sql`select m.* from messages m where m.user_id = ${p.user} and m.mailbox = ${p.mailbox} and m.state = 'ready'
      and m.read_at is not null and ${free} order by m.seq limit 20`,
  )
  const oldest = compile<Values>(
    dialect,
    (p) => sql`select m.user_id, m.mailbox, m.seq, m.id, m.lane, m.bytes, m.state, m.type, m.reply_to from messages m
      where m.user_id = ${p.user} and m.mailbox = ${p.mailbox} and m.state in ('ready', 'scheduled') and ${free} order by m.seq limit ${p.limit}`,
  )
  const usage = compile<Values>(dialect, (p) => sql`select count, bytes from mailboxes where ${of(p)}`)
  const held = compile<Values>(
    dialect,
    (p) => sql`select * from messages where ${of(p)} and state = 'held' order by seq limit 100`,
  )
  const heldAnywhere = compile<Values>(
    dialect,
    (p) => sql`select user_id, mailbox from message_outbox where (user_id, mailbox) > (${p.user}, ${p.mailbox})
      order by user_id, mailbox limit ${maxHeldMailboxes}`,
  )
  const nextExpiry = compile<Values>(
    dialect,
    (p) => sql`select min(expires_at) as at, cast(${storageNow} as bigint) as now from messages
      where ${of(p)} and state = 'ready' and expires_at is not null`,
  )
  const nextScheduled = compile<Values>(
    dialect,
    (p) => sql`select min(available_at) as at, cast(${storageNow} as bigint) as now from messages
      where ${of(p)} and state = 'scheduled'`,
  )
  const returns = { returns: true } as const
  return {
    /** Three statements: scheduled messages that are due, expired messages, and heads with exhausted attempts. */
    overdue: (user: string, mailbox: string) =>
      [due, expired, exhausted].map((statement) => statement({ user, mailbox }, returns)),
    read: (user: string, mailbox: string) => read({ user, mailbox }, returns),
    oldest: (user: string, mailbox: string, limit: number) => oldest({ user, mailbox, limit }, returns),
    usage: (user: string, mailbox: string) => usage({ user, mailbox }, returns),
    held: (user: string, mailbox: string) => held({ user, mailbox }, returns),
    /** Returns mailboxes of all users that hold messages back, after one; the empty names are before all. */
    heldAnywhere: (user: string, mailbox: string) => heldAnywhere({ user, mailbox }, returns),
    due: (user: string, mailbox: string) => due({ user, mailbox }, returns),
    nextScheduled: (user: string, mailbox: string) => nextScheduled({ user, mailbox }, returns),
    nextExpiry: (user: string, mailbox: string) => nextExpiry({ user, mailbox }, returns),
  }
}
