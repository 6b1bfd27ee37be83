/** Lets go of what nobody needs any more, a bounded number of rows at a time. */
import { sql } from 'kysely'
import type { Dialect, Statement } from '../../storage/index.ts'
import { compile, later, now, type Values } from './compile.ts'

/** Acknowledged messages that a mailbox still shows, and dead letters that it keeps. */
const keptDone = 500
const keptDead = 10_000
const deadForMs = 30 * 24 * 3_600_000

export function sweepStatements(dialect: Dialect) {
  const of = (p: Values) => sql`user_id = ${p.user} and mailbox = ${p.mailbox}`
  const dedupe = compile<Values>(
    dialect,
    (p) => sql`update messages set dedupe_id = null where user_id = ${p.user} and seq in (select seq from messages
      where user_id = ${p.user} and dedupe_id is not null and dedupe_until <= ${now} order by dedupe_until limit 1000)
      and dedupe_id is not null and dedupe_until <= ${now}`,
  )
  const done = compile<Values>(
    dialect,
    (
      p,
    ) => sql`delete from messages where ${of(p)} and seq in (select seq from messages where ${of(p)} and state = 'done'
      and dedupe_id is null and ended_at <= (select ended_at from messages where ${of(p)} and state = 'done'
        and dedupe_id is null order by ended_at desc limit 1 offset ${keptDone}) order by ended_at limit 1000)`,
  )
  const dead = compile<Values>(
    dialect,
    (
      p,
    ) => sql`delete from messages where ${of(p)} and seq in (select seq from messages where ${of(p)} and state = 'dead'
      and (ended_at <= ${later(-deadForMs)} or seq <= coalesce((select seq from messages where ${of(p)} and state = 'dead'
        order by seq desc limit 1 offset ${keptDead}), -1)) order by seq limit 1000)`,
  )
  const lanes = compile<Values>(dialect, (p) => sql`delete from mailbox_lanes where ${of(p)} and depth = 0`)
  const requests = compile<Values>(
    dialect,
    (p) => sql`delete from message_requests where user_id = ${p.user} and expires_at <= ${later(-60_000)}`,
  )
  return {
    mailbox(user: string, mailbox: string): readonly Statement[] {
      return [dedupe, done, dead, lanes, requests].map((statement) => statement({ user, mailbox }))
    },
  }
}

/** Every row of a user in this room's tables: forgetting the user deletes them. */
export function forgetMessagesOf(dialect: Dialect, user: string): readonly Statement[] {
  const tables = ['messages', 'mailbox_lanes', 'mailboxes', 'message_requests', 'message_held', 'presence']
  return tables.map((table) =>
    compile<Values>(dialect, (p) => sql`delete from ${sql.table(table)} where user_id = ${p.user}`)({ user }),
  )
}
