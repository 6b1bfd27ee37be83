/** Finds due maintenance of a mailbox, and the time of the next one. */
import { type RawBuilder, sql } from 'kysely'
import { type Compile, storageNow } from './compile.ts'

/**
 * Tests for a row in the order of an index. A server that plans without the present time estimates that a third of the rows is
 * due. With `exists` it would then read the complete table for a match that may not exist.
 */
const earliest = (query: RawBuilder<unknown>) => sql`(${query} limit 1) is not null`

export function dueStatements(compile: Compile, { maxAttempts }: { readonly maxAttempts: number }) {
  const notLeased = sql`(messages.token is null or not exists (select 1 from mailbox_lanes l
    where l.user_id = messages.user_id and l.mailbox = messages.mailbox and l.lane = messages.lane
      and l.token = messages.token and l.lease_until > ${storageNow}))`
  return {
    /** Scheduled messages, expired ones, heads that were tried too often. */
    maintenance: compile(
      (p) => sql`select case when
        ${earliest(sql`select 1 from messages where user_id = ${p.user} and mailbox = ${p.mailbox} and state = 'scheduled'
          and available_at <= ${storageNow} order by available_at`)}
        or ${earliest(sql`select 1 from messages where user_id = ${p.user} and mailbox = ${p.mailbox} and state = 'ready'
          and expires_at is not null and expires_at <= ${storageNow} and ${notLeased} order by expires_at`)}
        or exists (select 1 from mailbox_lanes l join messages h
          on h.user_id = l.user_id and h.mailbox = l.mailbox and h.seq = l.head_seq
          where l.user_id = ${p.user} and l.mailbox = ${p.mailbox} and l.token is not null and l.lease_until <= ${storageNow}
            and h.attempts >= ${maxAttempts})
        then 1 else 0 end as due`,
    ),
    /** The next due time of held or leased lanes and of scheduled messages. */
    next: compile(
      (p) => sql`select min(at) as at, cast(${storageNow} as bigint) as now from (
        select at from (
          select case when token is not null and lease_until > not_before then lease_until else not_before end as at
            from mailbox_lanes where user_id = ${p.user} and mailbox = ${p.mailbox} and depth > 0
        ) lanes where at > ${p.since}
        union all
        select min(available_at) as at from messages where user_id = ${p.user} and mailbox = ${p.mailbox}
          and state = 'scheduled' and available_at > ${p.since}
      ) moments`,
    ),
  }
}
