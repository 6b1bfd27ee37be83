/**
 * Does what a schedule is due for: times become occasions, and occasions become runs, the oldest first.
 *
 * Two changes, each all or nothing and on the turn that was read: a time and what comes next; an occasion and its run. A
 * process that dies between them leaves the occasion, and another one begins its run under the same id.
 */
import { type EventName, type Json, storeError, TroupeError, type UserId } from '../../core/index.ts'
import type { Statement } from '../../storage/index.ts'
import type { CompiledTopology } from '../topology/define-topology.ts'
import { beginRun, commit } from './begin-run.ts'
import type { Occasion } from './schedule-code.ts'
import { endedMs, mostWaiting, type ScheduleParts, scheduleKey } from './schedule-parts.ts'
import type { OccasionRow, ScheduleRow } from './schedule-store.ts'
import { dueTimes } from './schedule-times.ts'

type Served = ScheduleRow & { readonly now: number }
type Told = { readonly user: UserId; readonly id: string }

/** Runs of one schedule begun before others are looked at. */
const most = 100
/** How often a run that can't be begun is tried, and the pause after the first, which doubles. */
const attempts = 5
const firstPauseMs = 1_000
/** Where the run before is not over: its end says so, unless who saw it died. */
const lookAgainMs = 60_000

export const isMoved = (error: unknown): boolean => error instanceof TroupeError && error.code === 'schedule.moved'
const isElsewhere = (error: unknown): boolean =>
  error instanceof TroupeError &&
  (error.code.startsWith('storage.') || error.code === 'troupe.closed' || error.code === 'user.forgotten')

/** Whom it is about, and how long it may go on. */
export interface Serving {
  readonly user: UserId
  readonly id: string
  /** It was due; otherwise something happened that it may wait for. */
  readonly isDue: boolean
  readonly signal: AbortSignal
}

/** @returns why it is left to a process that has its code; undefined where there was nothing else to do */
export async function serveSchedule(parts: ScheduleParts, serving: Serving): Promise<TroupeError | undefined> {
  const { user, id, isDue, signal } = serving
  for (let i = 0; i < most && !signal.aborted; i++) {
    const row = await parts.store.get(user, id)
    if (!row) return isDue ? void (await commit(parts, user, parts.store.delete(user, id))) : undefined
    try {
      const done = await serveOnce(parts, serving, row)
      if (done !== 'again') return done
    } catch (error) {
      if (!isMoved(error)) throw error
    }
  }
  return undefined
}

async function serveOnce(
  parts: ScheduleParts,
  { user, signal, isDue: looked }: Serving,
  row: Served,
): Promise<'again' | TroupeError | undefined> {
  const { store } = parts
  const isDue = row.due !== null && row.due <= row.now
  // Whoever paused it has seen to it that nobody looks.
  if (row.state === 'paused') return undefined
  if (!isDue && row.waiting === 0) return looked ? rest(parts, user, row) : undefined
  const topology = codeOf(parts, user, row)
  if (topology instanceof TroupeError) return topology
  if (isDue) {
    await fallDue(parts, user, row)
    return 'again'
  }
  const [first] = await store.occasions(user, row.id, 1)
  if (!first) return 'again'
  return (await begin(parts, user, row, first, topology, signal)) ? 'again' : undefined
}

function codeOf(parts: ScheduleParts, user: UserId, row: ScheduleRow): CompiledTopology | TroupeError {
  try {
    return parts.code.of(scheduleKey(user, row.id), row.id, row.spec)
  } catch (error) {
    if (error instanceof TroupeError) return error
    throw error
  }
}

/** Nothing to do until its next time, or until it has been over for long. */
async function rest(parts: ScheduleParts, user: UserId, row: Served): Promise<undefined> {
  const { store } = parts
  const until = row.state === 'ended' ? (row.lastAt ?? row.createdAt) + endedMs : row.due
  const isGone = row.state === 'ended' && until !== null && until <= row.now
  const next = isGone ? store.delete(user, row.id) : [store.work(user, row, until)]
  await commit(parts, user, [store.turn(user, row, {}), ...next])
}

/** Times become occasions, and the schedule goes on behind them. */
async function fallDue(parts: ScheduleParts, user: UserId, row: Served): Promise<void> {
  const { spec, due, now, id } = row
  const { store } = parts
  if (!spec.timing || due === null) return
  const { fire, missed, next } = dueTimes(spec.timing, due, now, spec.misfire)
  const room = Math.max(0, mostWaiting - row.waiting)
  const taken = fire.slice(0, room)
  const to = next === undefined ? { due: null, state: 'ended' as const } : { due: next }
  await commit(parts, user, [
    store.turn(user, row, to),
    ...taken.map((time) => store.addOccasion(user, row, timeOccasion(time))),
    store.work(user, { ...row, ...to }, taken.length + row.waiting > 0 ? now : (next ?? now + endedMs)),
  ])
  if (missed) tellMissed(parts, { user, id }, 'late', missed.from, missed.to)
  const over = fire.slice(room)
  if (over.length > 0) tellMissed(parts, { user, id }, 'full', over[0] as number, over.at(-1) as number)
  if (next === undefined) tell(parts, { user, id }, 'schedule.ended', {})
}

const timeOccasion = (time: number) => {
  const due = new Date(time).toISOString()
  return { occasion: due, at: time, body: JSON.stringify({ type: 'time', due } satisfies Occasion) }
}

/** @returns whether more can be done now */
async function begin(
  parts: ScheduleParts,
  user: UserId,
  row: Served,
  { occasion, at, body, attempts: tried }: OccasionRow,
  topology: CompiledTopology,
  signal: AbortSignal,
): Promise<boolean> {
  const { store } = parts
  const { overlap } = row.spec
  const told = { user, id: row.id }
  const after = afterwards(parts, user, row, row.waiting - 1)
  const drop = [store.dropOccasion(user, row.id, occasion), after]
  if (overlap !== 'allow' && row.lastRun !== null && !(await parts.isOver(user, row.lastRun))) {
    const turned = store.turn(user, row, {})
    if (overlap === 'queue') {
      await commit(parts, user, [turned, store.lookAt(user, row.id, soonest(row, row.now + lookAgainMs))])
      return false
    }
    await commit(parts, user, [turned, ...drop])
    tellMissed(parts, told, 'overlap', at, at)
    return true
  }
  try {
    await beginRun(parts, { user, row, occasion, body: JSON.parse(body) as Occasion, topology, signal }, drop)
    return true
  } catch (error) {
    if (isMoved(error) || isElsewhere(error) || signal.aborted) throw error
    const { code, message } = storeError(error)
    const problem = { code, message, since: new Date(row.now).toISOString() }
    const turned = store.turn(user, row, { problem })
    tell(parts, told, 'schedule.failed', { code })
    if (tried + 1 < attempts) {
      const again = store.lookAt(user, row.id, soonest(row, row.now + firstPauseMs * 2 ** tried))
      await commit(parts, user, [turned, store.tried(user, row.id, occasion), again])
      return false
    }
    await commit(parts, user, [turned, ...drop])
    tellMissed(parts, told, 'failed', at, at)
    return true
  }
}

const soonest = (row: Served, at: number): number => Math.min(at, row.due ?? at)

/** When it is to be looked at, so many occasions waiting still. */
function afterwards({ store }: ScheduleParts, user: UserId, row: Served, waiting: number): Statement {
  if (waiting > 0) return store.lookAt(user, row.id, row.now)
  return store.lookAt(user, row.id, row.state === 'ended' ? row.now + endedMs : row.due)
}

export function tell(
  parts: ScheduleParts,
  { user, id }: Told,
  type: EventName,
  fields: { readonly [field: string]: Json },
): void {
  parts.events.emit({ type, at: parts.clock.now(), userId: user, scheduleId: id, ...fields })
}

/** @param reason `late`: nobody looked; `overlap`: the run before goes on; `full`: too many wait; `failed`: it can't be begun */
const tellMissed = (parts: ScheduleParts, told: Told, reason: string, from: number, to: number): void =>
  tell(parts, told, 'schedule.missed', { reason, from: new Date(from).toISOString(), to: new Date(to).toISOString() })
