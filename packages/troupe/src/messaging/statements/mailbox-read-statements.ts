/** Reads of a mailbox, and the marks that reading leaves. */
import { sql } from 'kysely'
import type { Dialect, Statement, Template } from '../../storage/index.ts'
import { compilerOf, type MailboxKey, type MessageKey, ofMailbox, storageNow, type Values } from './compile.ts'
import { fits, type MessageFilter, shapeOf, valuesOf } from './fits.ts'
import { listStatements } from './list-statements.ts'

/** The number of messages whose ends one statement reads. */
export const maxEnds = 100

export function mailboxReadStatements(dialect: Dialect) {
  const compile = compilerOf(dialect)
  const number = (select: ReturnType<typeof sql>) => sql`(${select})`
  const ends = compile(
    (p) => sql`select id, state, reason, ended_at from messages where user_id = ${p.user}
      and id in (${sql.join(Array.from({ length: maxEnds }, (_, i) => p[`id${i}`]))})`,
  )
  return {
    ...listStatements(dialect),
    ...batchStatements(dialect),
    markRead: compile<MailboxKey & MessageKey>(
      (
        p,
      ) => sql`update messages set read_at = ${storageNow} where user_id = ${p.user} and id = ${p.id} and mailbox = ${p.mailbox}
        and read_at is null and state in ('ready', 'scheduled', 'done')`,
    ),
    // Counts by lanes and by rare states, so that the cost does not depend on the depth of the mailbox.
    counts: compile<MailboxKey>(
      (p) => sql`select
        ${number(sql`select coalesce(sum(depth), 0) from mailbox_lanes where ${ofMailbox(p)} and depth > 0`)} as ready,
        ${number(sql`select count(*) from messages where ${ofMailbox(p)} and state = 'ready' and expires_at is not null
          and expires_at <= ${storageNow}`)} as expired,
        ${number(sql`select count(*) from messages m join mailbox_lanes l
            on l.user_id = m.user_id and l.mailbox = m.mailbox and l.lane = m.lane and l.token = m.token
          where m.user_id = ${p.user} and m.mailbox = ${p.mailbox} and m.state = 'ready' and m.expires_at is not null
            and m.expires_at <= ${storageNow} and l.lease_until > ${storageNow}`)} as expired_leased,
        ${number(sql`select count(*) from messages where ${ofMailbox(p)} and state = 'ready' and read_at is not null
          and (expires_at is null or expires_at > ${storageNow})`)} as seen,
        ${number(sql`select coalesce(sum(leased), 0) from mailbox_lanes where ${ofMailbox(p)} and token is not null
          and lease_until > ${storageNow}`)} as leased,
        ${number(sql`select count(*) from messages where ${ofMailbox(p)} and state = 'dead'`)} as dead,
        ${number(sql`select count(*) from messages where ${ofMailbox(p)} and state = 'scheduled' and available_at > ${storageNow}`)} as scheduled,
        ${number(sql`select count(*) from messages where ${ofMailbox(p)} and state = 'scheduled' and available_at <= ${storageNow}
          and (expires_at is null or expires_at > ${storageNow})`)} as arrived`,
    ),
    dead: compile<MailboxKey & { after: number; limit: number }>(
      (p) =>
        sql`select * from messages where ${ofMailbox(p)} and state = 'dead' and seq > ${p.after} order by seq limit ${p.limit}`,
    ),
    mailboxes: compile<{ user: string; after: string; limit: number }>(
      (p) =>
        sql`select mailbox from mailboxes where user_id = ${p.user} and mailbox > ${p.after} order by mailbox limit ${p.limit}`,
    ),
    one: compile<MailboxKey & MessageKey>(
      (p) => sql`select * from messages where user_id = ${p.user} and id = ${p.id} and mailbox = ${p.mailbox}`,
    ),
    ofId: compile<MessageKey>((p) => sql`select * from messages where user_id = ${p.user} and id = ${p.id}`),
    /** Selects the dead letters of a batch, those that have left it included. */
    ofBatch: compile<{ user: string; batch: string; released: string }>(
      (
        p,
      ) => sql`select * from messages where user_id = ${p.user} and state = 'dead' and batch in (${p.batch}, ${p.released})
        order by mailbox, seq`,
    ),
    allDead: compile<{ user: string }>(
      (p) => sql`select count(*) as dead from messages where user_id = ${p.user} and state = 'dead'`,
    ),
    /** @param ids at least 1 and at most `maxEnds` */
    ends: (user: string, ids: readonly string[]) =>
      ends({
        user,
        ...Object.fromEntries(Array.from({ length: maxEnds }, (_, i) => [`id${i}`, ids[i] ?? ids[0] ?? ''])),
      }),
  }
}

type Types = Pick<MessageFilter, 'types' | 'except'>

const alive = sql`m.state = 'ready' and (m.expires_at is null or m.expires_at > ${storageNow})`
const of = (p: Values) => sql`m.user_id = ${p.user} and m.mailbox = ${p.mailbox}`
const present = sql`cast(${storageNow} as bigint)`

const gathering = (dialect: Dialect, wanted: MessageFilter) =>
  compilerOf(dialect)(
    (p) => sql`select count(*) as count, min(created_at) as first, ${present} as now from (
      select created_at from messages m where ${of(p)} and m.state = 'ready' ${fits(dialect, p, wanted, 'm')}
        limit ${p.limit}) waiting`,
  )

/** A lane can be claimed when its lease and its pause have ended. */
const freeAt = sql`case when l.token is not null and l.lease_until > l.not_before then l.lease_until else l.not_before end`

const handed = (dialect: Dialect, wanted: MessageFilter) =>
  compilerOf(dialect)(
    (p) => sql`select m.batch, min(${freeAt}) as first, max(${freeAt}) as last, ${present} as now
      from messages m cross join mailbox_lanes l where l.user_id = m.user_id and l.mailbox = m.mailbox and l.lane = m.lane
      and ${of(p)} and m.batch > '' and m.failures = 0 and ${alive} ${fits(dialect, p, wanted, 'm')}
      group by m.batch order by min(m.due) limit 100`,
  )

const members = (dialect: Dialect, wanted: MessageFilter) =>
  compilerOf(dialect)(
    (
      p,
    ) => sql`select m.id, m.failures, m.attempts from messages m where ${of(p)} and ${alive} ${fits(dialect, p, wanted, 'm')}
      order by m.due, m.seq limit 1001`,
  )

/** The statements for messages that wait for batch handlers: messages without a batch, and interrupted batches. */
function batchStatements(dialect: Dialect) {
  const made = new Map<string, Template<Values>>()
  const once = (
    name: string,
    build: (dialect: Dialect, wanted: MessageFilter) => Template<Values>,
    wanted: MessageFilter,
  ) => {
    const key = `${name} ${shapeOf(wanted)}`
    const template = made.get(key) ?? build(dialect, wanted)
    made.set(key, template)
    return template
  }
  return {
    /** Counts the waiting messages that are in no batch, up to a limit, with the time of the first one. */
    gathered(user: string, mailbox: string, types: Types, limit: number): Statement {
      const wanted = { ...types, batch: null }
      return once('gathered', gathering, wanted)({ user, mailbox, limit, ...valuesOf(wanted) })
    },
    /** Finds interrupted batches, with the times at which the first and the last lane of each can be claimed. */
    handed: (user: string, mailbox: string, types: Types): Statement =>
      once('handed', handed, types)({ user, mailbox, ...valuesOf(types) }),
    /** Returns the remaining messages of a batch in their order. */
    members(user: string, mailbox: string, types: Types, batch: string): Statement {
      const wanted = { ...types, batch }
      return once('members', members, wanted)({ user, mailbox, ...valuesOf(wanted) })
    },
  }
}
