/**
 * Adds a message to its mailbox. The row of the mailbox is locked first, so that numbers follow the order of commits. A
 * message that may be a repetition is counted last, and rolls the change back if the mailbox is full.
 */
import { type RawBuilder, sql } from 'kysely'
import type { TraceContext } from '../../core/index.ts'
import type { Bind, Statement } from '../../storage/index.ts'
import type { Priority } from '../message.ts'
import { type Compile, storageNow, type Values } from './compile.ts'

/** One message, as it is stored. */
export interface OutgoingMessage {
  readonly user: string
  readonly mailbox: string
  readonly id: string
  readonly lane: string
  readonly sender: string
  readonly priority: Priority
  readonly type: string
  readonly version: number
  /** The type of the message and the types that it extends, as one text; null for a type that extends none. */
  readonly kinds: string | null
  readonly payload: string
  /** The statements that store a large payload separately. */
  readonly largePayload: readonly Statement[]
  /** The hash of the canonical payload, if messages are signed. */
  readonly payloadHash?: string
  readonly bytes: number
  readonly thread: string | null
  readonly correlation: string | null
  readonly envelope: string
  readonly trace?: TraceContext | undefined
  /** The signature of the sender, as JSON text. */
  readonly signature: string | null
  readonly replyTo: string | null
  readonly scheduled: boolean
  /** The virtual deadline that orders lanes. */
  readonly due: Bind
  readonly availableAt: Bind
  readonly expiresAt: Bind
  readonly dedupeId: string | null
  readonly dedupeUntil: Bind
}

/** The capacity of each mailbox. */
export interface MailboxLimits {
  readonly maxCount: number
  readonly maxBytes: number
}

/** Held messages of a lane are sent first. */
const noneHeld = (p: Values) => sql`not exists (select 1 from messages h where h.user_id = ${p.user}
  and h.mailbox = ${p.mailbox} and h.lane = ${p.lane} and h.state = 'held')`

const columns = sql.raw(
  `user_id, mailbox, seq, id, lane, sender, priority, type, version, kinds, payload, bytes, thread_id, correlation_id, envelope, signature,
   reply_to, state, due, available_at, expires_at, created_at, dedupe_id, dedupe_until, attempts, failures`,
)
const ofBox = (p: Values) => sql`from mailboxes m where m.user_id = ${p.user} and m.mailbox = ${p.mailbox}`
const laterDue = (p: Values) => sql`(select l.last_due from mailbox_lanes l where l.user_id = ${p.user}
  and l.mailbox = ${p.mailbox} and l.lane = ${p.lane} and l.last_due > ${p.due})`
/** Uses values and not a select, because SQLite writes a statement journal for each insert from a select. */
const insert = (p: Values, state: RawBuilder<unknown>) => sql`insert into messages (${columns})
  values (${p.user}, ${p.mailbox}, (select m.next_seq ${ofBox(p)}), ${p.id}, ${p.lane}, ${p.sender}, ${p.priority}, ${p.type},
    ${p.version}, ${p.kinds}, ${p.payload}, ${p.bytes}, ${p.thread}, ${p.correlation}, ${p.envelope}, ${p.signature}, ${p.replyTo},
    ${state}, coalesce(${laterDue(p)}, ${p.due}), ${p.availableAt}, ${p.expiresAt}, ${storageNow}, ${p.dedupeId}, ${p.dedupeUntil}, 0, 0)
  on conflict do nothing`
/** The message that has the newest number: put in by this very change, and not by an earlier one of the same id. */
const justNumbered = (p: Values) => sql`user_id = ${p.user} and mailbox = ${p.mailbox} and id = ${p.id}
  and seq = (select m.next_seq from mailboxes m where m.user_id = ${p.user} and m.mailbox = ${p.mailbox})`

const insertStatements = (compile: Compile, { maxCount, maxBytes }: MailboxLimits) => ({
  forgetDedupe: compile(
    (p) => sql`update messages set dedupe_id = null where user_id = ${p.user} and mailbox = ${p.mailbox}
      and sender = ${p.sender} and dedupe_id = ${p.dedupeId} and dedupe_until <= ${storageNow}`,
  ),
  number: compile(
    (p) => sql`insert into mailboxes (user_id, mailbox, next_seq, count, bytes, last_used_at)
      values (${p.user}, ${p.mailbox}, 1, 0, 0, ${storageNow})
      on conflict (user_id, mailbox) do update set next_seq = mailboxes.next_seq + 1, last_used_at = excluded.last_used_at`,
  ),
  /** Numbers and counts a message in one statement, if there is capacity: for a message that cannot be a repetition. */
  admit: compile(
    (p) => sql`insert into mailboxes (user_id, mailbox, next_seq, count, bytes, last_used_at)
      select ${p.user}, ${p.mailbox}, 1, 1, ${p.bytes}, ${storageNow} where ${p.bytes} <= ${maxBytes}
      on conflict (user_id, mailbox) do update set next_seq = mailboxes.next_seq + 1, last_used_at = excluded.last_used_at,
        count = mailboxes.count + 1, bytes = mailboxes.bytes + excluded.bytes
        where mailboxes.count < ${maxCount} and mailboxes.bytes + excluded.bytes <= ${maxBytes} and ${noneHeld(p)}`,
  ),
  insertOrFail: compile((p) => insert(p, sql`${p.state}`)),
  insertOrHold: compile((p) =>
    insert(
      p,
      sql`(select case when m.count < ${maxCount} and m.bytes + ${p.bytes} <= ${maxBytes} and ${noneHeld(p)}
        then ${p.state} else 'held' end ${ofBox(p)})`,
    ),
  ),
  first: compile(
    (p) => sql`select * from messages where user_id = ${p.user} and mailbox = ${p.mailbox} and sender = ${p.sender}
      and dedupe_id = ${p.dedupeId}`,
  ),
})

const enqueueStatements = (compile: Compile, { maxCount, maxBytes }: MailboxLimits) => ({
  countEntered: compile(
    (p) => sql`update mailboxes set count = count + 1, bytes = bytes + ${p.bytes}
      where user_id = ${p.user} and mailbox = ${p.mailbox} and count < ${maxCount} and bytes + ${p.bytes} <= ${maxBytes}
        and ${noneHeld(p)} and exists (select 1 from messages where ${justNumbered(p)})`,
  ),
  countUnlessHeld: compile(
    (p) => sql`update mailboxes set count = count + 1, bytes = bytes + ${p.bytes}
      where user_id = ${p.user} and mailbox = ${p.mailbox} and exists (
        select 1 from messages where ${justNumbered(p)} and state <> 'held')`,
  ),
  appendToLane: compile(
    (p) => sql`insert into mailbox_lanes
        (user_id, mailbox, lane, depth, head_seq, head_due, last_due, not_before, lease_until, leased, batch_end, token)
      select user_id, mailbox, lane, 1, seq, due, due, 0, 0, 0, 0, null from messages
        where ${justNumbered(p)} and state = 'ready'
      on conflict (user_id, mailbox, lane) do update set depth = mailbox_lanes.depth + 1, last_due = excluded.last_due,
        head_seq = case when mailbox_lanes.depth = 0 then excluded.head_seq else mailbox_lanes.head_seq end,
        head_due = case when mailbox_lanes.depth = 0 then excluded.head_due else mailbox_lanes.head_due end,
        not_before = case when mailbox_lanes.depth = 0 then 0 else mailbox_lanes.not_before end`,
  ),
  recordHeld: compile(
    (p) => sql`insert into message_outbox (user_id, mailbox) select user_id, mailbox from messages
      where user_id = ${p.user} and mailbox = ${p.mailbox} and id = ${p.id} and state = 'held' on conflict do nothing`,
  ),
})

/** The limits of a mailbox as text, for the error of a full one. */
export const mailboxLimitText = ({ maxCount, maxBytes }: MailboxLimits) => `${maxCount} messages or ${maxBytes} bytes`

export function sendStatements(compile: Compile, limits: MailboxLimits) {
  const { forgetDedupe, number, admit, insertOrFail, insertOrHold, first } = insertStatements(compile, limits)
  const { countEntered, countUnlessHeld, appendToLane, recordHeld } = enqueueStatements(compile, limits)
  const limit = mailboxLimitText(limits)
  const valuesOf = ({
    scheduled,
    largePayload: _largePayload,
    payloadHash: _hash,
    trace: _trace,
    ...message
  }: OutgoingMessage): Values => ({
    ...message,
    state: scheduled ? 'scheduled' : 'ready',
  })
  const begin = (message: OutgoingMessage, values: Values): Statement[] =>
    message.dedupeId === null ? [number(values)] : [forgetDedupe(values), number(values)]
  return {
    /**
     * Fails with `mailbox.full`.
     * @param before the number of earlier statements in the change
     * @returns with a dedupe id, the last statement returns the stored row, which for a repetition is that of the first
     * message
     */
    send(message: OutgoingMessage, before: number): readonly Statement[] {
      const values = valuesOf(message)
      const rejection = { otherwise: 'mailbox.full', detail: { mailbox: message.mailbox, limit } } as const
      const laneStatements = message.scheduled ? [] : [appendToLane(values)]
      if (message.dedupeId === null)
        return [
          admit(values, { expect: { rows: 1 }, ...rejection }),
          insertOrFail(values, { expect: { rows: 1 } }),
          ...laneStatements,
          ...message.largePayload,
        ]
      return [
        forgetDedupe(values),
        number(values),
        insertOrFail(values),
        countEntered(values, { expect: { sameAs: before + 2 }, ...rejection }),
        ...laneStatements,
        ...message.largePayload,
        first(values, { returns: true }),
      ]
    },
    /** Adds a message, or holds it in the outbox if the mailbox is full. */
    sendOrHold(message: OutgoingMessage): readonly Statement[] {
      const values = valuesOf(message)
      return [
        ...begin(message, values),
        insertOrHold(values),
        countUnlessHeld(values),
        appendToLane(values),
        recordHeld(values),
        ...message.largePayload,
      ]
    },
    /** A dedupe id may be used afresh after its time. */
    forgetDedupe: (message: OutgoingMessage) => forgetDedupe(valuesOf(message)),
    /** Gives the next number to a message that becomes due, leaves the outbox or is redriven. */
    number,
    appendToLane,
  }
}
