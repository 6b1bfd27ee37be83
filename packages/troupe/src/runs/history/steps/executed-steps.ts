/** The steps of a past run, with the commands that executed them. */
import { evolve } from '../../machine/evolve.ts'
import type { Command } from '../../machine/machine-events.ts'
import { createState } from '../../machine/state.ts'
import { viewOf } from '../../machine/state-view.ts'
import type { PastRun } from '../past-run.ts'

export type ExecuteStep = Extract<Command, { readonly type: 'step.execute' }>

interface ExecutedSteps {
  readonly started: ReadonlyMap<string, ExecuteStep>
  /** In the order in which they ended. */
  readonly ended: readonly ExecuteStep[]
}

export function executedSteps(past: PastRun): ExecutedSteps {
  const state = createState()
  const started = new Map<string, ExecuteStep>()
  const ended: ExecuteStep[] = []
  for (const event of past.events) {
    evolve(state, event)
    if (event.type === 'step.started') {
      const command = viewOf(state).execution(event.step)
      if (command) started.set(event.step, command)
    }
    const command =
      event.type === 'step.completed' || event.type === 'step.failed' ? started.get(event.step) : undefined
    if (command) ended.push(command)
  }
  return { started, ended }
}
