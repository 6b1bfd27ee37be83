/**
 * A claim: lanes are leased with a new token and the attempts of the delivered messages are incremented, in one change
 * before any handler executes. The cost does not depend on the depth of a mailbox: lanes are found by their virtual
 * deadline, messages by the head of their lane, and a batch reads at most `perLane` messages of a lane.
 */
import { type RawBuilder, sql } from 'kysely'
import { type Dialect, oneOf, type Statement, type Template } from '../../storage/index.ts'
import { type Compile, compilerOf, later, type MailboxKey, storageNow, type Values } from './compile.ts'
import { fits, type MessageFilter, shapeOf, valuesOf } from './fits.ts'

export interface MessageClaim extends MessageFilter {
  readonly user: string
  readonly mailbox: string
  readonly token: string
  readonly max: number
  /** Messages of one lane, at most `max`. */
  readonly perLane: number
  /** If set, exactly this number must be claimed: the change is rejected if other processes were faster. */
  readonly all?: number | undefined
}

/** The shape of a claim, for which statements are compiled. */
interface Shape {
  readonly wanted: MessageFilter
  /** True claims only the first message of each lane. */
  readonly headsOnly: boolean
  /** True if only one lane is claimed, which needs a search for only one row. */
  readonly single: boolean
}

interface Settings {
  readonly leaseMs: number
  readonly maxAttempts: number
}

/** A number above each sequence number of a mailbox. */
const beyond = 9_007_199_254_740_991

/** Lanes without a valid lease whose head can be delivered. */
const among = (
  dialect: Dialect,
  p: Values,
  filter: MessageFilter,
  laneState: ReturnType<typeof sql>,
) => sql`from mailbox_lanes l
    join messages h on h.user_id = l.user_id and h.mailbox = l.mailbox and h.seq = l.head_seq
  where l.user_id = ${p.user} and l.mailbox = ${p.mailbox} and l.depth > 0 and l.not_before <= ${storageNow}
    and ${laneState} and (h.expires_at is null or h.expires_at > ${storageNow}) ${fits(dialect, p, filter, 'h')}`
const free = sql`l.token is null`
const runOut = sql`l.token is not null and l.lease_until <= ${storageNow}`
/** A rejected message can be delivered even if the allowed attempts were reduced, because nothing else would end it. */
const triable = (maxAttempts: number) => sql`${runOut} and h.attempts < ${maxAttempts}`
const first = sql.raw('order by head_due, head_seq')

/** Selects the lanes of a claim, in order. SQLite reads each kind by a separate index, so lanes in use by others cost nothing. */
function lanes(dialect: Dialect, p: Values, filter: MessageFilter, maxAttempts: number) {
  if (dialect.name === 'postgres')
    return sql`select l.lane ${among(dialect, p, filter, sql`(${free} or ${triable(maxAttempts)})`)} ${first} limit ${p.max}`
  const of = (laneState: ReturnType<typeof sql>) =>
    sql`select lane, head_due, head_seq from (select l.lane, l.head_due, l.head_seq ${among(dialect, p, filter, laneState)}
      ${first} limit ${p.max})`
  return sql`select lane from (${of(free)} union all ${of(triable(maxAttempts))}) ${first} limit ${p.max}`
}

/** The statement for one lane in SQLite. If no lease has expired, which is usual, it needs no sorting. */
function oneLane(dialect: Dialect, p: Values, filter: MessageFilter, maxAttempts: number) {
  const next = sql`select l.lane ${among(dialect, p, filter, free)} order by l.head_due, l.head_seq limit 1`
  return sql`case when exists (select 1 from mailbox_lanes l where l.user_id = ${p.user} and l.mailbox = ${p.mailbox} and ${runOut})
    then (${lanes(dialect, p, filter, maxAttempts)}) else (${next}) end`
}

/** Leases the lanes, and returns the end of the batch per lane: a message that does not fit, or `perLane` messages. */
function leaseStatement(dialect: Dialect, compile: Compile, shape: Shape, { maxAttempts }: Settings) {
  const { types, except, batch } = shape.wanted
  // PostgreSQL may execute a list that locks once per row it is compared with, each time with other rows: an array once.
  const chosen = (p: Values) => {
    if (dialect.name === 'postgres')
      return sql`= any (array(${lanes(dialect, p, shape.wanted, maxAttempts)} for update of l skip locked))`
    return shape.single
      ? sql`= ${oneLane(dialect, p, shape.wanted, maxAttempts)}`
      : sql`in (${lanes(dialect, p, shape.wanted, maxAttempts)})`
  }
  const inLane = sql`x.user_id = mailbox_lanes.user_id and x.mailbox = mailbox_lanes.mailbox
    and x.lane = mailbox_lanes.lane and x.state = 'ready'`
  const other = (p: Values) =>
    types.length + except.length === 0 && batch === undefined
      ? sql``
      : sql`or not (1 = 1 ${fits(dialect, p, shape.wanted, 's')})`
  // A new batch gets no message that was tried before, which is handled alone and before those behind it.
  const tried =
    batch === null
      ? sql`or s.attempts > 0 or s.failures > 0 or exists (select 1 from messages h where h.user_id = mailbox_lanes.user_id
        and h.mailbox = mailbox_lanes.mailbox and h.seq = mailbox_lanes.head_seq and (h.attempts > 0 or h.failures > 0))`
      : sql``
  // Only the first message of a lane gets its last attempt, so that a crash does not make the others dead letters.
  const stop = (p: Values) => sql`(select min(s.seq) from (
      select x.seq, x.type, x.kinds, x.attempts, x.batch, x.failures from messages x where ${inLane} order by x.seq limit ${p.perLane}) s
    where s.seq > mailbox_lanes.head_seq and (s.attempts + 1 >= ${maxAttempts} ${tried} ${other(p)}))`
  const end = (p: Values) =>
    sql`(select x.seq from messages x where ${inLane} order by x.seq limit 1 offset ${p.perLane})`
  const batchEnd = (p: Values) =>
    shape.headsOnly ? sql`mailbox_lanes.head_seq + 1` : sql`coalesce(${stop(p)}, ${end(p)}, ${beyond})`
  return compile(
    (
      p,
    ) => sql`update mailbox_lanes set token = ${p.token}, lease_until = ${p.until}, leased = 1, batch_end = ${batchEnd(p)}
      where user_id = ${p.user} and mailbox = ${p.mailbox} and lane ${chosen(p)}`,
  )
}

/** The columns of a delivery; each returned column has a cost. */
const handed =
  sql.raw(`user_id, mailbox, seq, id, lane, sender, priority, type, version, kinds, payload, bytes, thread_id,
  correlation_id, envelope, signature, reply_to, state, due, available_at, expires_at, created_at, attempts, failures, batch`)

/** Marks and returns the delivered messages, then counts them per lane, and releases lanes without a delivered message. */
function deliverStatements(dialect: Dialect, compile: Compile) {
  // The cross join makes SQLite read lanes first; otherwise it reads the whole mailbox.
  const deliver = compile(
    (p) => sql`update messages set token = ${p.token}, attempts = attempts + 1
      where user_id = ${p.user} and mailbox = ${p.mailbox} and seq ${oneOf(
        dialect,
        sql`select m.seq from mailbox_lanes l cross join messages m
        where l.user_id = ${p.user} and l.mailbox = ${p.mailbox} and l.token = ${p.token}
          and m.user_id = l.user_id and m.mailbox = l.mailbox and m.lane = l.lane
          and m.state = 'ready' and m.seq < l.batch_end and (m.expires_at is null or m.expires_at > ${storageNow})
        order by m.due, m.seq limit ${p.max}`,
      )}
      returning ${handed}`,
  )
  const heads = (are: (query: RawBuilder<unknown>) => RawBuilder<unknown>) =>
    compile(
      (p) => sql`update messages set token = ${p.token}, attempts = attempts + 1
        where user_id = ${p.user} and mailbox = ${p.mailbox} and seq ${are(
          sql`select l.head_seq from mailbox_lanes l
          where l.user_id = ${p.user} and l.mailbox = ${p.mailbox} and l.token = ${p.token}`,
        )}
        returning ${handed}`,
    )
  const oneHead = heads((query) => sql`= (${query})`)
  const allHeads = heads((query) => oneOf(dialect, query))
  const count = compile(
    (p) => sql`update mailbox_lanes set leased = (select count(*) from messages x
        where x.user_id = mailbox_lanes.user_id and x.mailbox = mailbox_lanes.mailbox and x.lane = mailbox_lanes.lane
          and x.state = 'ready' and x.seq < mailbox_lanes.batch_end and x.token = ${p.token})
      where user_id = ${p.user} and mailbox = ${p.mailbox} and token = ${p.token}`,
  )
  const release = compile(
    (p) => sql`update mailbox_lanes set token = null, lease_until = 0
      where user_id = ${p.user} and mailbox = ${p.mailbox} and token = ${p.token} and leased = 0`,
  )
  return (values: Values, { headsOnly, single }: Shape, all: number | undefined): readonly Statement[] => {
    const returns = { returns: true, ...(all === undefined ? {} : { expect: { rows: all } }) }
    return headsOnly
      ? [(single ? oneHead : allHeads)(values, returns)]
      : [deliver(values, returns), count(values), release(values)]
  }
}

export function claimStatements(dialect: Dialect, settings: Settings) {
  const compile = compilerOf(dialect)
  const { maxAttempts } = settings
  const leases = new Map<string, Template<Values>>()
  const leaseOf = (shape: Shape) => {
    const key = `${shapeOf(shape.wanted)}/${shape.headsOnly}/${shape.single}`
    const made = leases.get(key) ?? leaseStatement(dialect, compile, shape, settings)
    leases.set(key, made)
    return made
  }
  const deliver = deliverStatements(dialect, compile)
  const due = dueStatements(compile, settings)
  const none: MessageFilter = { types: [], except: [] }
  const one = (p: Values, laneState: ReturnType<typeof sql>) =>
    sql`(select 1 ${among(dialect, p, none, laneState)} ${first} limit 1) is not null`
  return {
    /** The first statement gives `due`, the third the delivered rows. */
    claim({ types, except, batch, all, ...claim }: MessageClaim): readonly Statement[] {
      const wanted: MessageFilter = { types, except, ...(batch === undefined ? {} : { batch }) }
      const values: Values = {
        ...claim,
        until: later(settings.leaseMs),
        ...valuesOf(wanted),
      }
      const headsOnly = claim.perLane === 1
      const shape = { wanted, headsOnly, single: headsOnly && claim.max === 1 }
      return [due.maintenance(values, { returns: true }), leaseOf(shape)(values), ...deliver(values, shape, all)]
    },
    /** Returns the messages of a token, if the response to its claim was lost. */
    claimed: compile<MailboxKey & { token: string }>(
      (p) => sql`select * from messages
        where user_id = ${p.user} and mailbox = ${p.mailbox} and token = ${p.token} and state = 'ready'`,
    ),
    anyReady: compile((p) => {
      const kinds =
        dialect.name === 'postgres' ? [sql`(${free} or ${triable(maxAttempts)})`] : [free, triable(maxAttempts)]
      const found = sql.join(
        kinds.map((laneState) => one(p, laneState)),
        sql` or `,
      )
      return sql`select case when ${found} then 1 else 0 end as ready`
    }),
    next: due.next,
  }
}

/**
 * Tests for a row in the order of an index. A server that plans without the present time estimates that a third of the rows is
 * due. With `exists` it would then read the complete table for a match that may not exist.
 */
const earliest = (query: RawBuilder<unknown>) => sql`(${query} limit 1) is not null`

/** Finds due maintenance of a mailbox, and the time of the next one. */
function dueStatements(compile: Compile, { maxAttempts }: { readonly maxAttempts: number }) {
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
