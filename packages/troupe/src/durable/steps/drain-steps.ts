/** The gentle end of the steps at work: see `Steps.drain`. */
import type { Clock } from '../../core/index.ts'
import type { DrainedSteps } from '../steps-port.ts'
import { atMost } from './at-most.ts'
import type { Execution } from './execution.ts'

export interface DrainedParts {
  readonly clock: Clock
  readonly limits: { unwindMs: number }
  readonly executions: ReadonlyMap<string, Execution>
  /** From then on no step is taken in. */
  readonly refuse: () => void
}

export async function drainSteps(
  { clock, limits, executions, refuse }: DrainedParts,
  { finishMs, effectsMs }: { readonly finishMs: number; readonly effectsMs: number },
): Promise<DrainedSteps> {
  const running = () => [...executions.values()].filter(({ state }) => state === 'running')
  const begun = new Set(running())
  const quiet = async () => {
    for (let at = running(); at.length > 0; at = running()) {
      for (const execution of at) begun.add(execution)
      await Promise.allSettled(at.map(({ end }) => end))
    }
  }
  await atMost(clock, finishMs, quiet())
  refuse()
  // Who does not listen to its signal then is not waited for longer than there is time.
  limits.unwindMs = Math.min(limits.unwindMs, effectsMs / 3)
  const left = running()
  await atMost(clock, effectsMs, Promise.all(left.map(drained)))
  return { finished: begun.size - left.length, givenBack: left.length }
}

/** Begins no effect; gives its process up once those under way are recorded. */
async function drained(execution: Execution): Promise<void> {
  const { life } = execution
  // After a refused turn the effects of its neighbours go on too.
  if (life && !life.signal.aborted) {
    life.draining = true
    await life.effectsDone()
  }
  await execution.stop('closed')
}
