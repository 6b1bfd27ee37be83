/** Reads of a mailbox, and the marks that reading leaves. */
import { sql } from 'kysely'
import type { Dialect } from '../../storage/index.ts'
import { batchStatements } from './batch-statements.ts'
import { compile, storageNow, type Values } from './compile.ts'
import { listStatements } from './list-statements.ts'

/** The number of messages whose ends one statement reads. */
export const maxEnds = 100

export function mailboxReadStatements(dialect: Dialect) {
  const of = (p: Values) => sql`user_id = ${p.user} and mailbox = ${p.mailbox}`
  const markRead = compile<Values>(
    dialect,
    (
      p,
    ) => sql`update messages set read_at = ${storageNow} where user_id = ${p.user} and id = ${p.id} and mailbox = ${p.mailbox}
      and read_at is null and state in ('ready', 'scheduled', 'done')`,
  )
  const number = (select: ReturnType<typeof sql>) => sql`(${select})`
  // Counts by lanes and by rare states, so that the cost does not depend on the depth of the mailbox.
  const counts = compile<Values>(
    dialect,
    (p) => sql`select
      ${number(sql`select coalesce(sum(depth), 0) from mailbox_lanes where ${of(p)} and depth > 0`)} as ready,
      ${number(sql`select count(*) from messages where ${of(p)} and state = 'ready' and expires_at is not null
        and expires_at <= ${storageNow}`)} as expired,
      ${number(sql`select count(*) from messages m join mailbox_lanes l
          on l.user_id = m.user_id and l.mailbox = m.mailbox and l.lane = m.lane and l.token = m.token
        where m.user_id = ${p.user} and m.mailbox = ${p.mailbox} and m.state = 'ready' and m.expires_at is not null
          and m.expires_at <= ${storageNow} and l.lease_until > ${storageNow}`)} as expired_leased,
      ${number(sql`select count(*) from messages where ${of(p)} and state = 'ready' and read_at is not null
        and (expires_at is null or expires_at > ${storageNow})`)} as seen,
      ${number(sql`select coalesce(sum(leased), 0) from mailbox_lanes where ${of(p)} and token is not null
        and lease_until > ${storageNow}`)} as leased,
      ${number(sql`select count(*) from messages where ${of(p)} and state = 'dead'`)} as dead,
      ${number(sql`select count(*) from messages where ${of(p)} and state = 'scheduled' and available_at > ${storageNow}`)} as scheduled,
      ${number(sql`select count(*) from messages where ${of(p)} and state = 'scheduled' and available_at <= ${storageNow}
        and (expires_at is null or expires_at > ${storageNow})`)} as arrived`,
  )
  const dead = compile<Values>(
    dialect,
    (p) =>
      sql`select * from messages where ${of(p)} and state = 'dead' and seq > ${p.after} order by seq limit ${p.limit}`,
  )
  const mailboxes = compile<Values>(
    dialect,
    (p) =>
      sql`select mailbox from mailboxes where user_id = ${p.user} and mailbox > ${p.after} order by mailbox limit ${p.limit}`,
  )
  const one = compile<Values>(
    dialect,
    (p) => sql`select * from messages where user_id = ${p.user} and id = ${p.id} and mailbox = ${p.mailbox}`,
  )
  const ofId = compile<Values>(dialect, (p) => sql`select * from messages where user_id = ${p.user} and id = ${p.id}`)
  const ofBatch = compile<Values>(
    dialect,
    (
      p,
    ) => sql`select * from messages where user_id = ${p.user} and state = 'dead' and batch in (${p.batch}, ${p.released})
      order by mailbox, seq`,
  )
  const allDead = compile<Values>(
    dialect,
    (p) => sql`select count(*) as dead from messages where user_id = ${p.user} and state = 'dead'`,
  )
  const ends = compile<Values>(
    dialect,
    (p) => sql`select id, state, reason, ended_at from messages where user_id = ${p.user}
      and id in (${sql.join(Array.from({ length: maxEnds }, (_, i) => p[`id${i}`]))})`,
  )
  const returns = { returns: true } as const
  return {
    ...listStatements(dialect),
    ...batchStatements(dialect),
    markRead: (user: string, mailbox: string, id: string) => markRead({ user, mailbox, id }),
    counts: (user: string, mailbox: string) => counts({ user, mailbox }, returns),
    dead: (user: string, mailbox: string, after: number, limit: number) =>
      dead({ user, mailbox, after, limit }, returns),
    one: (user: string, mailbox: string, id: string) => one({ user, mailbox, id }, returns),
    ofId: (user: string, id: string) => ofId({ user, id }, returns),
    /** Selects the dead letters of a batch, those that have left it included. */
    ofBatch: (user: string, batch: string, released: string) => ofBatch({ user, batch, released }, returns),
    allDead: (user: string) => allDead({ user }, returns),
    /** @param ids at least 1 and at most `maxEnds` */
    ends: (user: string, ids: readonly string[]) =>
      ends(
        { user, ...Object.fromEntries(Array.from({ length: maxEnds }, (_, i) => [`id${i}`, ids[i] ?? ids[0] ?? ''])) },
        returns,
      ),
    mailboxes: (user: string, after: string, limit: number) => mailboxes({ user, after, limit }, returns),
  }
}
