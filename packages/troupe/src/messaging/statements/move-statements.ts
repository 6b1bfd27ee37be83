/** The statements that put a message into its lane after the send: when it is due, leaves the outbox, or is redriven. */
import { sql } from 'kysely'
import type { Statement } from '../../storage/index.ts'
import { type Compile, later, type MailboxKey, type MessageKey, storageNow, type Values } from './compile.ts'
import { type MailboxLimits, mailboxLimitText, type sendStatements } from './send-statements.ts'

export type Move = {
  readonly user: string
  readonly mailbox: string
  readonly id: string
  readonly lane: string
  readonly bytes: number
  /** The ms by which its priority yields to others. */
  readonly offset: number
}

export function moveStatements(compile: Compile, limits: MailboxLimits, send: ReturnType<typeof sendStatements>) {
  const number = (p: Values) =>
    sql`(select m.next_seq from mailboxes m where m.user_id = ${p.user} and m.mailbox = ${p.mailbox})`
  const lastDue = (p: Values) => sql`coalesce((select l.last_due from mailbox_lanes l where l.user_id = ${p.user}
    and l.mailbox = ${p.mailbox} and l.lane = ${p.lane}), 0)`
  const dueAfter = (p: Values, from: ReturnType<typeof sql>) =>
    sql`case when ${lastDue(p)} > ${from} then ${lastDue(p)} else ${from} end`
  const comeDue = compile(
    (
      p,
    ) => sql`update messages set state = 'ready', seq = ${number(p)}, due = ${dueAfter(p, sql`available_at + ${p.offset}`)}
      where user_id = ${p.user} and id = ${p.id} and state = 'scheduled' and available_at <= ${storageNow}`,
  )
  const releaseFromOutbox = compile(
    (
      p,
    ) => sql`update messages set seq = ${number(p)}, state = case when available_at > ${storageNow} then 'scheduled' else 'ready' end,
        due = ${dueAfter(p, sql`due`)}
      where user_id = ${p.user} and id = ${p.id} and state = 'held' and not exists (select 1 from messages h
        where h.user_id = ${p.user} and h.mailbox = ${p.mailbox} and h.lane = ${p.lane} and h.state = 'held'
          and h.seq < messages.seq)`,
  )
  const revive = compile(
    (
      p,
    ) => sql`update messages set state = 'ready', seq = ${number(p)}, due = ${dueAfter(p, sql`${p.due}`)}, attempts = 0,
        failures = failures + 1, token = null, reason = null, ended_at = null, expires_at = null
      where user_id = ${p.user} and id = ${p.id} and state = 'dead'`,
  )
  const countEntered = compile(
    (p) => sql`update mailboxes set count = count + 1, bytes = bytes + ${p.bytes} where user_id = ${p.user}
      and mailbox = ${p.mailbox} and count < ${limits.maxCount} and bytes + ${p.bytes} <= ${limits.maxBytes}`,
  )
  const full = (move: Move) =>
    ({
      expect: { rows: 1 },
      otherwise: 'mailbox.full',
      detail: { mailbox: move.mailbox, limit: mailboxLimitText(limits) },
    }) as const
  const renumbered = (move: Move, change: Statement): Statement[] => [
    send.number(move),
    change,
    send.appendToLane(move),
  ]
  const valuesOf = (move: Move): Values => ({ ...move, due: later(move.offset) })
  return {
    comeDue: (move: Move) => renumbered(move, comeDue(valuesOf(move), { expect: { rows: 1 } })),
    releaseFromOutbox: (move: Move) => [
      ...renumbered(move, releaseFromOutbox(valuesOf(move), { expect: { rows: 1 } })),
      countEntered(valuesOf(move), full(move)),
    ],
    redrive: (move: Move, otherwise: Omit<Statement, 'sql' | 'binds'>) => [
      ...renumbered(move, revive(valuesOf(move), otherwise)),
      countEntered(valuesOf(move), full(move)),
    ],
    reject: compile<MessageKey>(
      (p) => sql`update messages set state = 'done', reason = 'rejected', ended_at = ${storageNow}, dedupe_id = null
        where user_id = ${p.user} and id = ${p.id} and state = 'held'`,
    ),
    forgetHeld: compile<MailboxKey>(
      (p) => sql`delete from message_outbox where user_id = ${p.user} and mailbox = ${p.mailbox} and not exists (
        select 1 from messages where user_id = ${p.user} and mailbox = ${p.mailbox} and state = 'held')`,
    ),
  }
}
