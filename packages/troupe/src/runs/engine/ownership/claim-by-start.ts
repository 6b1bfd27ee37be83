/**
 * Claims a run by the change that makes it. The run is being claimed from before the change on: a caller that finds its row
 * before the start has returned waits for the same claim.
 */
import { failure } from '../../../core/index.ts'
import type { StepSpec } from '../../../journal/index.ts'
import type { Event } from '../../machine/machine-events.ts'
import type { Created } from '../starts/start-run.ts'
import type { RunOwnership } from './run-ownership.ts'

/** Commits the run; undefined if it existed before. */
export type MakeRun = () => Promise<Created | undefined>

/**
 * @param ownership that of an unclaimed run
 * @param entry of its first steps
 * @returns false if the run existed before, or if this process has lost its lease
 */
export async function claimByStart(ownership: RunOwnership, make: MakeRun, entry: StepSpec['entry']): Promise<boolean> {
  let isMade = false
  let events: readonly Event[] = []
  const change = async () => {
    const created = await make()
    isMade = true
    if (!created) throw failure('run.exists', { run: ownership.run })
    events = created.events
    return created
  }
  try {
    await ownership.start({ change, resume: (owner) => owner.begin(events, entry) })
    return true
  } catch (error) {
    if (isMade) return false
    throw error
  }
}
