/**
 * Serves a due schedule: times become triggers, and triggers become runs, the oldest first.
 *
 * It makes two changes, each atomic and bound to the version that was read: a time and the next one; a trigger and its run. After
 * a crash between them the trigger remains, and another process starts its run with the same id.
 */
import {
  type EventFields,
  type EventPayloads,
  failedWith,
  failure,
  type MatchedName,
  type Platform,
  storeError,
  TroupeError,
  type TroupeEvent,
  type UserId,
  userKey,
} from '../../core/index.ts'
import type { Statement } from '../../storage/index.ts'
import type { CompiledTopology } from '../../topology/index.ts'
import { beginRun, commit } from './begin-run.ts'
import type { ScheduleTrigger } from './schedule-code.ts'
import { endedMs, maxPendingTriggers, type ScheduleParts } from './schedule-parts.ts'
import type { ScheduleRow, TriggerRow } from './schedule-store.ts'

type Served = ScheduleRow & { readonly now: number }
type ScheduleKey = { readonly user: UserId; readonly id: string }

/** The number of runs of one schedule that start before other schedules are served. */
const maxRounds = 100
/** The number of attempts to start a run, and the delay in ms after the first, which doubles. */
const attempts = 5
const firstPauseMs = 1_000
/** The interval in ms of checks of an open earlier run; its end notifies the schedule, unless that process crashes. */
const recheckMs = 60_000

export const isMoved = (error: unknown): boolean => error instanceof TroupeError && error.code === 'schedule.conflict'
const isOwnedByOther = (error: unknown): boolean =>
  error instanceof TroupeError &&
  (error.code.startsWith('storage.') || error.code === 'troupe.closed' || error.code === 'user.forgotten')

/** The schedule that is served, and the signal that stops it. */
export interface Serving {
  readonly user: UserId
  readonly id: string
  /** True if it was due; false if an event occurred that it may wait for. */
  readonly isDue: boolean
  readonly signal: AbortSignal
}

/** @returns why it is left to another process; undefined if it was served */
export async function serveSchedule(parts: ScheduleParts, serving: Serving): Promise<TroupeError | undefined> {
  const { user, id, isDue, signal } = serving
  for (let i = 0; i < maxRounds && !signal.aborted; i++) {
    const row = await parts.stores.store.get(user, id)
    if (!row) return isDue ? void (await commit(parts, user, parts.stores.store.delete(user, id))) : undefined
    try {
      const done = await serveOnce(parts, serving, row)
      if (done !== 'retry') return done
    } catch (error) {
      if (!isMoved(error)) throw error
    }
  }
  return undefined
}

async function serveOnce(
  parts: ScheduleParts,
  { user, signal, isDue: wasDue }: Serving,
  row: Served,
): Promise<'retry' | TroupeError | undefined> {
  const { store } = parts.stores
  const isDue = row.due !== null && row.due <= row.now
  // A paused schedule has no due time.
  if (row.state === 'paused') return undefined
  if (!isDue && row.waiting === 0) return wasDue ? scheduleNext(parts, user, row) : undefined
  if (row.apiKey !== null && !(await parts.access.isGranted(row.apiKey, user)))
    return pauseUnauthorized(parts, user, row)
  const topology = codeOf(parts, user, row)
  if (topology instanceof TroupeError) return topology
  if (isDue) {
    await enqueueDue(parts, user, row)
    return 'retry'
  }
  const [first] = await store.triggers(user, row.id, 1)
  if (!first) return 'retry'
  return (await begin(parts, user, row, first, topology, signal)) ? 'retry' : undefined
}

/** The key, session or token that created the schedule has ended: it is paused until a caller with access resumes it. */
async function pauseUnauthorized(parts: ScheduleParts, user: UserId, row: Served): Promise<undefined> {
  const { store } = parts.stores
  const { log } = parts.settings
  const error = failure('schedule.unauthorized', { schedule: row.id, key: row.apiKey ?? '' })
  const problem = { ...failedWith(error), message: error.message, since: new Date(row.now).toISOString() }
  const state = 'paused' as const
  await commit(parts, user, [store.turn(user, row, { state, problem }), store.work(user, { ...row, state }, null)])
  emitScheduleEvent(parts.platform, { user, id: row.id }, 'schedule.unauthorized', { apiKey: row.apiKey ?? '' })
  log.warn('a schedule was paused: the API key, session or token that created it is no longer valid', {
    schedule: row.id,
    key: row.apiKey,
  })
}

function codeOf(parts: ScheduleParts, user: UserId, row: ScheduleRow): CompiledTopology | TroupeError {
  try {
    return parts.settings.code.of(userKey(user, row.id), row.id, row.spec)
  } catch (error) {
    if (error instanceof TroupeError) return error
    throw error
  }
}

/** Sets the due time of the schedule: its next time, or the end of its retention. */
async function scheduleNext(parts: ScheduleParts, user: UserId, row: Served): Promise<undefined> {
  const { store } = parts.stores
  const until = row.state === 'ended' ? (row.lastAt ?? row.createdAt) + endedMs : row.due
  const isGone = row.state === 'ended' && until !== null && until <= row.now
  const next = isGone ? store.delete(user, row.id) : [store.work(user, row, until)]
  await commit(parts, user, [store.turn(user, row, {}), ...next])
}

/** Stores due times as triggers and sets the next time. */
async function enqueueDue(parts: ScheduleParts, user: UserId, row: Served): Promise<void> {
  const { spec, due, now, id } = row
  const { store } = parts.stores
  if (!spec.timing || due === null) return
  const { timing, misfire, author } = spec
  const { fire, missed, coming } = await parts.sources.times(author, { timing, first: due, now, misfire })
  const next = coming[0]
  const free = Math.max(0, maxPendingTriggers - row.waiting)
  const accepted = fire.slice(0, free)
  const to = next === undefined ? { coming, state: 'ended' as const } : { coming }
  await commit(parts, user, [
    store.turn(user, row, to),
    ...accepted.map((time) => store.addTrigger(user, row, timeTrigger(time))),
    store.work(user, { ...row, ...to }, accepted.length + row.waiting > 0 ? now : (next ?? now + endedMs)),
  ])
  if (missed) emitMissed(parts.platform, { user, id }, 'late', missed.from, missed.to)
  const over = fire.slice(free)
  if (over.length > 0) emitMissed(parts.platform, { user, id }, 'full', over[0] as number, over.at(-1) as number)
  if (next === undefined) emitScheduleEvent(parts.platform, { user, id }, 'schedule.ended', {})
}

const timeTrigger = (time: number) => {
  const due = new Date(time).toISOString()
  return { trigger: due, at: time, body: JSON.stringify({ type: 'time', due } satisfies ScheduleTrigger) }
}

/** @returns true if more can be served now */
async function begin(
  parts: ScheduleParts,
  user: UserId,
  row: Served,
  { trigger, at, body, attempts: tried }: TriggerRow,
  topology: CompiledTopology,
  signal: AbortSignal,
): Promise<boolean> {
  const { store } = parts.stores
  const { overlap } = row.spec
  const key = { user, id: row.id }
  const after = afterwards(parts, user, row, row.waiting - 1)
  const drop = [store.deleteTrigger(user, row.id, trigger), after]
  if (overlap !== 'allow' && (await parts.runs.isAnyOpen(user, row.id))) {
    const turned = store.turn(user, row, {})
    if (overlap === 'queue') {
      await commit(parts, user, [turned, store.scheduleAt(user, row.id, soonest(row, row.now + recheckMs))])
      return false
    }
    await commit(parts, user, [turned, ...drop])
    emitMissed(parts.platform, key, 'overlap', at, at)
    return true
  }
  try {
    await beginRun(parts, { user, row, trigger, body: JSON.parse(body) as ScheduleTrigger, topology, signal }, drop)
    return true
  } catch (error) {
    if (isMoved(error) || isOwnedByOther(error) || signal.aborted) throw error
    const problem = { ...failedWith(error), message: storeError(error).message, since: new Date(row.now).toISOString() }
    const turned = store.turn(user, row, { problem })
    emitScheduleEvent(parts.platform, key, 'schedule.failed', failedWith(error), error)
    if (tried + 1 < attempts) {
      const retryStatement = store.scheduleAt(user, row.id, soonest(row, row.now + firstPauseMs * 2 ** tried))
      await commit(parts, user, [turned, store.tried(user, row.id, trigger), retryStatement])
      return false
    }
    await commit(parts, user, [turned, ...drop])
    emitMissed(parts.platform, key, 'failed', at, at)
    return true
  }
}

const soonest = (row: Served, at: number): number => Math.min(at, row.due ?? at)

/** Returns the statement that sets the next due time, at once if triggers wait. */
function afterwards({ stores: { store } }: ScheduleParts, user: UserId, row: Served, waiting: number): Statement {
  if (waiting > 0) return store.scheduleAt(user, row.id, row.now)
  return store.scheduleAt(user, row.id, row.state === 'ended' ? row.now + endedMs : row.due)
}

export function emitScheduleEvent<Name extends MatchedName<'schedule.*'>>(
  { clock, events }: Platform,
  { user, id }: ScheduleKey,
  type: Name,
  fields: Omit<EventPayloads[Name], 'scheduleId'>,
  error?: unknown,
): void {
  const event = { ...fields, type, at: clock.now(), userId: user, scheduleId: id }
  events.emit(event as EventFields as TroupeEvent, error === undefined ? undefined : () => ({ error }))
}

type MissReason = EventPayloads['schedule.missed']['reason']

const emitMissed = (platform: Platform, key: ScheduleKey, reason: MissReason, from: number, to: number): void =>
  emitScheduleEvent(platform, key, 'schedule.missed', {
    reason,
    from: new Date(from).toISOString(),
    to: new Date(to).toISOString(),
  })
