/** Drains executing steps: see `Steps.drain`. */
import type { Clock } from '../../core/index.ts'
import type { StepMachine } from '../machine/step-machine.ts'
import type { DrainStepsResult } from '../steps-port.ts'
import { waitAtMost } from './wait-at-most.ts'

export interface DrainStepsParts {
  readonly clock: Clock
  readonly limits: { unwindMs: number }
  readonly machines: ReadonlyMap<string, StepMachine>
  /** Stops the acceptance of steps. */
  readonly stopAccepting: () => void
}

export async function drainSteps(
  { clock, limits, machines, stopAccepting }: DrainStepsParts,
  { finishMs, effectsMs }: { readonly finishMs: number; readonly effectsMs: number },
): Promise<DrainStepsResult> {
  const running = () => [...machines.values()].filter(({ state }) => state !== 'parked')
  const begun = new Set(running())
  const untilIdle = async () => {
    for (let at = running(); at.length > 0; at = running()) {
      for (const machine of at) begun.add(machine)
      await Promise.allSettled(at.map(({ end }) => end))
    }
  }
  await waitAtMost(clock, finishMs, untilIdle())
  stopAccepting()
  // Code that ignores its signal is not awaited for longer than the time that is left.
  limits.unwindMs = Math.min(limits.unwindMs, effectsMs / 3)
  const left = running()
  // Some began after the last look, while others were awaited.
  for (const machine of left) begun.add(machine)
  await waitAtMost(clock, effectsMs, Promise.all(left.map((machine) => machine.drain())))
  return { finished: begun.size - left.length, released: left.length }
}
