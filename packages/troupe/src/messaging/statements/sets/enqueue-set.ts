/**
 * Puts a set of messages into one mailbox. The rows of the mailbox and of a lane are updated once per set: PostgreSQL
 * visits every version of a row that its own transaction made, so an update per message costs the square of their number.
 */
import { type RawBuilder, sql } from 'kysely'
import type { Bind, ContentNames, Dialect, Statement } from '../../../storage/index.ts'
import { type Compile, compilerOf, storageNow, type Values } from '../compile.ts'
import type { MailboxLimits, OutgoingMessage, sendStatements } from '../send-statements.ts'

/** The sizes of sets, the largest first; each has its own statement. */
const setSizes = [128, 16] as const
type SetSize = (typeof setSizes)[number]

const texts = ['lane', 'sender', 'priority', 'type', 'kinds', 'thread', 'correlation', 'reply_to', 'state', 'dedupe_id']
const numbers = ['version', 'bytes', 'due_plus', 'at', 'at_plus', 'expires', 'expires_plus', 'dedupe_plus']

/** A time: ms since 1970, or ms from now. */
const timeOf = (bind: Bind): { readonly at: number | null; readonly plus: number | null } =>
  typeof bind === 'number'
    ? { at: bind, plus: null }
    : bind !== null && typeof bind === 'object' && '$' in bind
      ? { at: null, plus: Math.round(bind.plusMs ?? 0) }
      : { at: null, plus: null }

/**
 * Returns the fields of a message except its content, as one value with nulls, so that all sets of one size share a
 * statement.
 */
function fieldsOf(message: OutgoingMessage): string {
  const [available, expires] = [timeOf(message.availableAt), timeOf(message.expiresAt)]
  return JSON.stringify({
    lane: message.lane,
    sender: message.sender,
    priority: message.priority,
    type: message.type,
    kinds: message.kinds,
    thread: message.thread,
    correlation: message.correlation,
    reply_to: message.replyTo,
    state: message.scheduled ? 'scheduled' : 'ready',
    dedupe_id: message.dedupeId,
    version: message.version,
    bytes: message.bytes,
    due_plus: timeOf(message.due).plus,
    at: available.at,
    at_plus: available.plus,
    expires: expires.at,
    expires_plus: expires.plus,
    dedupe_plus: timeOf(message.dedupeUntil).plus,
  })
}

/** The messages as rows, in their order. */
function itemsOf(dialect: Dialect, p: Values, size: SetSize, signed: boolean): RawBuilder<unknown> {
  const rows = Array.from({ length: size }, (_, i) => {
    const signature = signed ? sql`, ${p[`signature${i}`]}` : sql``
    return sql`(${sql.lit(i)}, ${p[`id${i}`]}, ${p[`payload${i}`]}, ${p[`envelope${i}`]}, ${p[`fields${i}`]}${signature})`
  })
  const signature = sql.raw(signed ? 'signature' : 'null as signature')
  const columnNames = sql.raw(
    signed ? 'n, id, payload, envelope, fields, signature' : 'n, id, payload, envelope, fields',
  )
  if (dialect.name === 'postgres') {
    const columns = [...texts.map((name) => `${name} text`), ...numbers.map((name) => `"${name}" bigint`)].join(', ')
    return sql`given (${columnNames}) as (values ${sql.join(rows)}), items as (select n, id, payload, envelope, ${signature}, f.*
      from given cross join lateral jsonb_to_record(cast(given.fields as jsonb)) as f(${sql.raw(columns)}))`
  }
  const columns = [...texts, ...numbers].map((name) => `fields ->> '${name}' as "${name}"`).join(', ')
  return sql`given (${columnNames}) as (values ${sql.join(rows)}),
    items as (select n, id, payload, envelope, ${signature}, ${sql.raw(columns)} from given)`
}

/**
 * If a message does not fit into its mailbox, the later ones of the set are held too; messages that fit leave the
 * outbox immediately. Messages of a lane with messages in the outbox wait behind those, and use no capacity.
 */
function insertSet(dialect: Dialect, { maxCount, maxBytes }: MailboxLimits, size: SetSize, signed: boolean) {
  const content: Record<string, readonly [string, ...string[]]> = {}
  for (let i = 0; i < size; i++) {
    content[`payload${i}`] = ['message.payload', `id${i}`]
    content[`envelope${i}`] = ['message.envelope', `id${i}`]
    if (signed) content[`signature${i}`] = ['message.signature', `id${i}`]
  }
  const now = sql`cast(${storageNow} as bigint)`
  const build = (p: Values) => sql`
    with ${itemsOf(dialect, p, size, signed)},
    free as (select i.*, ${now} + i.due_plus as own_due, case when exists (select 1 from messages h
        where h.user_id = ${p.user} and h.mailbox = ${p.mailbox} and h.lane = i.lane and h.state = 'held') then 0 else 1 end as free
      from items i),
    counted as (select f.*, sum(free) over through as entered, sum(free * bytes) over through as entered_bytes,
        max(case when state = 'ready' then own_due end) over (partition by lane order by n rows unbounded preceding) as lane_due
      from free f window through as (order by n rows unbounded preceding)),
    placed as (select c.*, m.next_seq - ${sql.lit(size - 1)} + c.n as seq,
        case when free = 1 and m.count + entered <= ${maxCount} and m.bytes + entered_bytes <= ${maxBytes}
          then state else 'held' end as placed_state,
        coalesce((select l.last_due from mailbox_lanes l where l.user_id = ${p.user} and l.mailbox = ${p.mailbox}
          and l.lane = c.lane), 0) as last_due
      from counted c cross join mailboxes m where m.user_id = ${p.user} and m.mailbox = ${p.mailbox})
    insert into messages (user_id, mailbox, seq, id, lane, sender, priority, type, version, kinds, payload, bytes, thread_id,
      correlation_id, envelope, signature, reply_to, state, due, available_at, expires_at, created_at, dedupe_id, dedupe_until,
      attempts, failures)
    select ${p.user}, ${p.mailbox}, seq, id, lane, sender, priority, type, version, kinds, payload, bytes, thread,
      correlation, envelope, signature, reply_to, placed_state,
      case when last_due >= own_due and last_due >= coalesce(lane_due, 0) then last_due
        when coalesce(lane_due, 0) > own_due then lane_due else own_due end,
      coalesce("at", ${now} + at_plus), coalesce("expires", ${now} + expires_plus), ${now}, dedupe_id, ${now} + dedupe_plus, 0, 0
    from placed where true order by n
    on conflict do nothing`
  return compilerOf(dialect)<Values>(build, content as ContentNames)
}

/** The numbers that the set has: nothing else can have them. */
const justNumbered = (p: Values) => sql`user_id = ${p.user} and mailbox = ${p.mailbox}
  and seq > (select m.next_seq - ${p.size} from mailboxes m where m.user_id = ${p.user} and m.mailbox = ${p.mailbox})
  and seq <= (select m.next_seq from mailboxes m where m.user_id = ${p.user} and m.mailbox = ${p.mailbox})`

const rowStatements = (compile: Compile) => ({
  number: compile(
    (p) => sql`insert into mailboxes (user_id, mailbox, next_seq, count, bytes, last_used_at)
      values (${p.user}, ${p.mailbox}, ${p.size}, 0, 0, ${storageNow})
      on conflict (user_id, mailbox) do update set next_seq = mailboxes.next_seq + excluded.next_seq,
        last_used_at = excluded.last_used_at`,
  ),
  countUnlessHeld: compile(
    (p) => sql`update mailboxes set
        count = count + (select count(*) from messages where ${justNumbered(p)} and state <> 'held'),
        bytes = bytes + (select coalesce(sum(x.bytes), 0) from messages x where ${justNumbered(p)} and state <> 'held')
      where user_id = ${p.user} and mailbox = ${p.mailbox}`,
  ),
  appendToLanes: compile(
    (p) => sql`insert into mailbox_lanes
        (user_id, mailbox, lane, depth, head_seq, head_due, last_due, not_before, lease_until, leased, batch_end, token)
      select ${p.user}, ${p.mailbox}, lane, count(*), min(seq), min(due), max(due), 0, 0, 0, 0, null from messages
        where ${justNumbered(p)} and state = 'ready' group by lane
      on conflict (user_id, mailbox, lane) do update set depth = mailbox_lanes.depth + excluded.depth,
        last_due = excluded.last_due,
        head_seq = case when mailbox_lanes.depth = 0 then excluded.head_seq else mailbox_lanes.head_seq end,
        head_due = case when mailbox_lanes.depth = 0 then excluded.head_due else mailbox_lanes.head_due end,
        not_before = case when mailbox_lanes.depth = 0 then 0 else mailbox_lanes.not_before end`,
  ),
  recordHeld: compile(
    (p) => sql`insert into message_outbox (user_id, mailbox) select distinct user_id, mailbox from messages
      where ${justNumbered(p)} and state = 'held' on conflict do nothing`,
  ),
})

export function enqueueSetStatements(
  dialect: Dialect,
  limits: MailboxLimits,
  send: Pick<ReturnType<typeof sendStatements>, 'sendOrHold' | 'forgetDedupe'>,
) {
  const { number, countUnlessHeld, appendToLanes, recordHeld } = rowStatements(compilerOf(dialect))
  const inserts = new Map<string, ReturnType<typeof insertSet>>()
  const insertOf = (size: SetSize, signed: boolean) => {
    const key = `${size} ${signed}`
    const insert = inserts.get(key) ?? insertSet(dialect, limits, size, signed)
    inserts.set(key, insert)
    return insert
  }
  const enqueue = (messages: readonly OutgoingMessage[]): readonly Statement[] => {
    const size = messages.length as SetSize
    const [{ user, mailbox, signature: firstSignature }] = messages as readonly [OutgoingMessage]
    const values: Record<string, Bind> = { user, mailbox }
    const signed = firstSignature !== null
    for (const [i, message] of messages.entries()) {
      values[`id${i}`] = message.id
      values[`payload${i}`] = message.payload
      values[`envelope${i}`] = message.envelope
      values[`fields${i}`] = fieldsOf(message)
      if (signed) values[`signature${i}`] = message.signature
    }
    const rows = { user, mailbox, size }
    return [
      ...messages.flatMap((message) => (message.dedupeId === null ? [] : [send.forgetDedupe(message)])),
      number(rows),
      insertOf(size, signed)(values),
      countUnlessHeld(rows),
      appendToLanes(rows),
      recordHeld(rows),
      ...messages.flatMap(({ largePayload }) => largePayload),
    ]
  }
  return {
    /** Messages of one mailbox, in sets as large as may be. @returns the statements of each set */
    *sendOrHold(messages: readonly OutgoingMessage[]): Generator<readonly Statement[]> {
      for (let next = 0; next < messages.length; ) {
        const size = setSizes.find((each) => each <= messages.length - next)
        const set = messages.slice(next, next + (size ?? 1))
        const isUniform = new Set(set.map(({ signature }) => signature === null)).size === 1
        if (size && isUniform) yield enqueue(set)
        else for (const message of set) yield send.sendOrHold(message)
        next += set.length
      }
    },
  }
}
