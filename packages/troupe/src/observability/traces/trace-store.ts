/** Traces in the database: limited per user and in time, encrypted if encryption is on. No other service is needed. */
import { sql } from 'kysely'
import type { Clock, Ids, UserId } from '../../core/index.ts'
import { committed, type Dialect, type Row, type Storage, templates } from '../../storage/index.ts'
import { buildTrace } from './build-trace.ts'
import type { RecordedTrace, Span } from './span.ts'
import type { OwnedSpan, SpanSink } from './span-tracer.ts'
import { spansContent } from './trace-tables.ts'

export interface TraceStoreOptions extends TraceBounds {
  readonly storage: Pick<Storage, 'dialect' | 'commit' | 'read'>
  readonly clock: Clock
  readonly ids: Ids
}

export interface TraceBounds {
  readonly retentionMs: number
  /** The highest number of traces of one user. */
  readonly max: number
}

/** A stored trace in a list. */
export interface TraceSummary {
  /** The id of the trace. */
  readonly traceId: string
  /** The start of the first span, in ms since 1970. */
  readonly startedAt: number
  /** The time of the last write, ms since 1970. */
  readonly at: number
}

export interface TraceStore extends SpanSink {
  /** Returns a trace, or of it the span `top` and those below; undefined if it is not stored. */
  get(user: UserId, traceId: string, top?: string): Promise<RecordedTrace | undefined>
  /** Lists traces, the newest first. */
  list(user: UserId, limit: number): Promise<readonly TraceSummary[]>
  /**
   * Deletes traces beyond the limits.
   * @param limit the number of traces that one change deletes
   * @returns the number of deleted traces
   */
  cleanup(limit: number): Promise<number>
  /** Changes the limits, from the next clean-up on. */
  setRetention(bounds: TraceBounds): void
}

/** The number of rows that are read of one trace; a longer trace shows its first rows. */
const maxRows = 1_000
/** The number of rounds of one clean-up: the close of a troupe waits for it. */
const maxRounds = 50

export function createTraceStore({ storage, clock, ids, ...initialBounds }: TraceStoreOptions): TraceStore {
  let bounds: TraceBounds = initialBounds
  const queries = compileStatements(storage.dialect)
  const remove = async (user: UserId, traces: readonly Row[]) => {
    if (traces.length === 0) return 0
    const all = traces.map(({ trace_id }) => ({ user, trace: String(trace_id) }))
    const statements = all.flatMap((values) => [queries.dropSpans(values), queries.dropMark(values)])
    const { ok } = await storage.commit({ id: null, scope: { user }, statements })
    return ok ? all.length : 0
  }
  const removeOnce = async (limit: number) => {
    const { retentionMs, max } = bounds
    const before = Math.round(clock.now() - retentionMs)
    const [old = [], excess = []] = await storage.read({ work: true }, [
      queries.old({ before, limit }, { returns: true }),
      queries.excess({ max, limit }, { returns: true }),
    ])
    let removed = 0
    for (const [user, traces] of Map.groupBy(old, (row) => String(row.user_id))) removed += await remove(user, traces)
    for (const { user_id } of excess) {
      const user = String(user_id)
      const [rest = []] = await storage.read({ user }, [queries.beyond({ user, max, limit }, { returns: true })])
      removed += await remove(user, rest)
    }
    return removed
  }
  const write = async (user: UserId, spans: readonly Span[]) => {
    const statements = [...Map.groupBy(spans, ({ traceId }) => traceId)].flatMap(([trace, list]) => {
      const at = Math.round(clock.now())
      const started = Math.round(Math.min(...list.map(({ startedAt }) => startedAt)))
      return [
        queries.insert({ user, trace_id: trace, id: ids.next(), spans: JSON.stringify(list) }),
        queries.mark({ user, trace, at, started }),
      ]
    })
    await committed(storage, { id: null, scope: { user }, statements })
  }
  return {
    async write(spans) {
      const failures: unknown[] = []
      // A user that was erased meanwhile loses the spans of no other user.
      for (const [user, mine] of byUser(spans)) await write(user, mine).catch((error: unknown) => failures.push(error))
      if (failures.length > 0) throw failures[0]
    },
    async get(user, traceId, top) {
      const [rows = []] = await storage.read({ user }, [queries.spans({ user, trace: traceId }, { returns: true })])
      return buildTrace(
        traceId,
        rows.flatMap((row) => JSON.parse(String(row.spans)) as Span[]),
        top,
      )
    },
    async list(user, limit) {
      const [rows = []] = await storage.read({ user }, [queries.newest({ user, limit }, { returns: true })])
      return rows.map(summaryOf)
    },
    setRetention(wanted) {
      bounds = wanted
    },
    async cleanup(limit) {
      let all = 0
      for (let round = 0, removed = limit; round < maxRounds && removed >= limit; round++) {
        removed = await removeOnce(limit)
        all += removed
      }
      return all
    },
  }
}

const summaryOf = (row: Row): TraceSummary => ({
  traceId: String(row.trace_id),
  startedAt: Number(row.started_at),
  at: Number(row.at),
})

function byUser(spans: readonly OwnedSpan[]): ReadonlyMap<UserId, readonly Span[]> {
  const found = new Map<UserId, Span[]>()
  for (const { user, span } of spans) {
    if (user === undefined) continue
    const mine = found.get(user)
    if (mine) mine.push(span)
    else found.set(user, [span])
  }
  return found
}

type Of = { user: string; trace: string }

function compileStatements(dialect: Dialect) {
  const compile = templates(dialect)
  const isTrace = (p: Of) => sql`user_id = ${p.user} and trace_id = ${p.trace}`
  return {
    insert: compile<{ user: string; trace_id: string; id: string; spans: string }>(
      (p) => sql`insert into trace_spans (user_id, trace_id, id, spans)
        values (${p.user}, ${p.trace_id}, ${p.id}, ${p.spans})`,
      spansContent,
    ),
    mark: compile<Of & { at: number; started: number }>(
      (p) => sql`insert into trace_index (user_id, trace_id, at, started_at)
        values (${p.user}, ${p.trace}, ${p.at}, ${p.started})
        on conflict (user_id, trace_id) do update set at = excluded.at`,
    ),
    spans: compile<Of>(
      (p) => sql`select trace_id, id, spans from trace_spans where ${isTrace(p)} order by id limit ${sql.lit(maxRows)}`,
      spansContent,
    ),
    newest: compile<{ user: string; limit: number }>(
      (p) => sql`select trace_id, at, started_at from trace_index where user_id = ${p.user}
        order by started_at desc limit ${p.limit}`,
    ),
    dropSpans: compile<Of>((p) => sql`delete from trace_spans where ${isTrace(p)}`),
    dropMark: compile<Of>((p) => sql`delete from trace_index where ${isTrace(p)}`),
    old: compile<{ before: number; limit: number }>(
      (p) => sql`select user_id, trace_id from trace_index where at < ${p.before} order by at limit ${p.limit}`,
    ),
    excess: compile<{ max: number; limit: number }>(
      (p) => sql`select user_id from trace_index group by user_id having count(*) > ${p.max} limit ${p.limit}`,
    ),
    beyond: compile<{ user: string; max: number; limit: number }>(
      (p) => sql`select trace_id from trace_index where user_id = ${p.user}
        order by started_at desc limit ${p.limit} offset ${p.max}`,
    ),
  }
}
