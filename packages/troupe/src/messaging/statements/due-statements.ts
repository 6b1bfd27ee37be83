/** What is due in a mailbox now without being a delivery, and when something is due next. */
import { sql } from 'kysely'
import type { Dialect } from '../../storage/index.ts'
import { compile, now, type Values } from './compile.ts'

export function dueStatements(dialect: Dialect, { maxAttempts }: { readonly maxAttempts: number }) {
  const notInHands = sql`(messages.token is null or not exists (select 1 from mailbox_lanes l
    where l.user_id = messages.user_id and l.mailbox = messages.mailbox and l.lane = messages.lane
      and l.token = messages.token and l.lease_until > ${now}))`
  return {
    /** Scheduled messages, expired ones, heads that were tried too often. */
    upkeep: compile<Values>(
      dialect,
      (p) => sql`select case when
        exists (select 1 from messages where user_id = ${p.user} and mailbox = ${p.mailbox} and state = 'scheduled'
          and available_at <= ${now})
        or exists (select 1 from messages where user_id = ${p.user} and mailbox = ${p.mailbox} and state = 'ready'
          and expires_at is not null and expires_at <= ${now} and ${notInHands})
        or exists (select 1 from mailbox_lanes l join messages h
          on h.user_id = l.user_id and h.mailbox = l.mailbox and h.seq = l.head_seq
          where l.user_id = ${p.user} and l.mailbox = ${p.mailbox} and l.token is not null and l.lease_until <= ${now}
            and h.attempts >= ${maxAttempts})
        then 1 else 0 end as due`,
    ),
    /** Of lanes that are held or leased, and of scheduled messages. */
    next: compile<Values>(
      dialect,
      (p) => sql`select min(at) as at, cast(${now} as bigint) as now from (
        select case when token is not null and lease_until > not_before then lease_until else not_before end as at
          from mailbox_lanes where user_id = ${p.user} and mailbox = ${p.mailbox} and depth > 0
        union all
        select available_at as at from messages where user_id = ${p.user} and mailbox = ${p.mailbox} and state = 'scheduled'
      ) moments where at > ${p.since}`,
    ),
  }
}
