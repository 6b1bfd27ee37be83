/** Starts the run of a trigger: one change deletes the trigger, updates the schedule and creates the run. */
import {
  encodeJson,
  failure,
  type Json,
  joinTaint,
  type TaintLabel,
  TroupeError,
  taintField,
  type UserId,
} from '../../core/index.ts'
import { withTimeLimit } from '../../resilience/index.ts'
import { committed, type Statement } from '../../storage/index.ts'
import type { CompiledTopology } from '../../topology/index.ts'
import type { ScheduleTrigger } from './schedule-code.ts'
import { runOf, type ScheduleParts } from './schedule-parts.ts'
import type { ScheduleRow, Turned } from './schedule-store.ts'

export interface Beginning {
  readonly user: UserId
  readonly row: ScheduleRow
  /** The name of the trigger, which is part of the id of its run. */
  readonly trigger: string
  readonly body: ScheduleTrigger
  readonly topology: CompiledTopology
  /** Aborts when the troupe closes or the user is erased. */
  readonly signal: AbortSignal
}

const prepareMs = 60_000

/**
 * @param also statements of the same change, which are committed also if the run exists
 * @returns the id of the run
 * @throws the errors of the start and of `prepare`; `schedule.conflict`
 */
export async function beginRun(
  parts: ScheduleParts,
  beginning: Beginning,
  also: readonly Statement[],
): Promise<string> {
  const { user, row, trigger, topology } = beginning
  const run = runOf(row.id, trigger)
  const prepared = await prepareTask(parts, beginning)
  const { config, tags, author } = row.spec
  const taint = joinTaint(prepared.taint ?? [], row.spec.taint ?? [])
  const spec = {
    id: run,
    task: prepared.task,
    taint,
    topology,
    tags: [...tags, `schedule:${row.id}`],
    ...(config ? { config } : {}),
  }
  const lastAt = parts.platform.clock.now()
  // `trigger` starts runs of a paused schedule, which keeps the reason of its pause.
  const solved = row.state === 'paused' ? {} : { problem: null }
  const turned = (to: Turned) => [parts.stores.store.turn(user, row, { ...solved, ...to }), ...also]
  try {
    const statements = turned({ lastRun: run, lastAt })
    await parts.access.callers.withinRun(author !== undefined, () => parts.runs.start(user, spec, statements))
  } catch (error) {
    if (!(error instanceof TroupeError && error.code === 'run.exists')) throw error
    // A repetition: `lastRun` stays the newest run, because `overlap` waits for it.
    await commit(parts, user, turned({}))
    return run
  }
  parts.platform.events.emit({ type: 'schedule.fired', at: lastAt, userId: user, scheduleId: row.id, runId: run })
  return run
}

interface PreparedTask {
  readonly task: Json
  readonly taint?: readonly TaintLabel[]
}

/** Returns the task, with the taint labels of its message or entry. */
async function prepareTask(parts: ScheduleParts, { user, row, body, signal }: Beginning): Promise<PreparedTask> {
  const { task, prepare } = row.spec
  const { taint: own, ...trigger } = body.type === 'message' ? body : { ...body, taint: undefined }
  const taint = body.type === 'context' ? await taintOfChange(parts, user, body) : own
  if (prepare === undefined) {
    if (task === undefined) return { task: trigger as Json, ...taintField(taint) }
    // The writer of an entry decides that and when the run starts, and the run reads the entry.
    return { task, ...(body.type === 'context' ? taintField(taint) : {}) }
  }
  const make = parts.settings.code.prepare[prepare]
  if (!make) throw failure('invariant.broken', { rule: 'a process that starts the run of a schedule has its code' })
  const limit = { clock: parts.platform.clock, limitMs: prepareMs, kind: 'schedule', signal }
  const made = await withTimeLimit({ ...limit, what: `Preparing a task of the schedule ${row.id}` }, (ended) =>
    make(body, { userId: user, schedule: row.id, context: parts.sources.context(user), signal: ended }),
  )
  const text = encodeJson(made ?? null, `The task that ${prepare} made`)
  return { task: JSON.parse(text) as Json, ...taintField(taint) }
}

/** The writer chose the key and the value that `prepare` may read. A deleted entry has no known writer. */
async function taintOfChange(
  parts: ScheduleParts,
  user: UserId,
  change: Extract<ScheduleTrigger, { type: 'context' }>,
): Promise<readonly TaintLabel[]> {
  if (!('key' in change)) return []
  const entry = await parts.sources.context(user).getEntry(change.key)
  return entry ? entry.taint : ['untrusted:context']
}

/** @throws the failed expectation of a statement */
export async function commit(parts: ScheduleParts, user: UserId, statements: readonly Statement[]): Promise<void> {
  await committed(parts.stores.storage, { id: null, scope: { user }, statements, wake: ['schedules'] })
}
