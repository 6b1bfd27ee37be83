/**
 * The labels of a run that code of a step reads by a handle outside `ctx`: those of everything that the run has recorded.
 * Which part of the run the code reads makes no difference.
 */
import {
  addStepTaint,
  isInStep,
  joinTaint,
  type TaintLabel,
  TroupeError,
  type UserId,
  unknownTaint,
} from '../../../core/index.ts'
import { stepJournal } from '../../../journal/index.ts'
import type { OrchestraParts } from '../orchestra-parts.ts'
import { readAccountOutline } from './account-text.ts'
import { readRetainedRecords } from './retained-records.ts'
import { readRecord } from './run-record.ts'
import type { RunRow } from './run-store.ts'

type Parts = Pick<OrchestraParts, 'journal' | 'platform' | 'reporting' | 'stores'>
type Tainted = { readonly taint?: readonly TaintLabel[] }

/** Adds the labels of the run to the step whose code is running. Costs nothing outside steps. */
export async function noteRunTaint(parts: Parts, user: UserId, run: string): Promise<void> {
  if (!isInStep()) return
  const row = await parts.stores.store.get(user, run)
  if (row) addStepTaint(await recordedTaint(parts, user, row), `the run ${run}`)
}

/** Returns the live parts of a run; code of a step that reads them has the labels of the run. */
export function withRunTaint<Part>(
  parts: Parts,
  user: UserId,
  run: string,
  live: AsyncGenerator<Part, void>,
): AsyncGenerator<Part, void> {
  return isInStep() ? noted() : live
  async function* noted() {
    for await (const part of live) {
      await noteRunTaint(parts, user, run)
      yield part
    }
  }
}

/**
 * Returns the labels of everything that the run has recorded; `unknownTaint` while a step is in progress that has recorded
 * effects.
 */
export async function recordedTaint(parts: Parts, user: UserId, row: RunRow): Promise<readonly TaintLabel[]> {
  const inResult = row.result === null ? undefined : readAccountOutline(row.result).taint
  let taint = joinTaint(inResult)
  /** The steps in progress, also those that wait: their labels are recorded when they end. */
  const working = new Set<string>()
  for (const { body } of await recordsOf(parts, user, row)) {
    const { input, events = [] } = readRecord(body)
    for (const each of [input, ...events] as readonly (Tainted | undefined)[]) taint = joinTaint(taint, each?.taint)
    for (const event of events) {
      if (event.type === 'step.started') working.add(event.step)
      if (event.type === 'step.completed' || event.type === 'step.failed') working.delete(event.step)
    }
  }
  if (row.endedAt !== null) return taint
  for (const step of working)
    if ((await parts.journal.steps.effects(user, stepJournal(row.run, step))).length > 0) return unknownTaint
  return taint
}

/** If its journal is deleted, the labels of the result are all that remains, as the result is. */
async function recordsOf(parts: Parts, user: UserId, row: RunRow) {
  try {
    return await readRetainedRecords(parts, user, row)
  } catch (error) {
    if (error instanceof TroupeError && error.code === 'replay.expired') return []
    throw error
  }
}
