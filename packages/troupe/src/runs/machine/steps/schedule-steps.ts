/** Starts steps: as many branches at once as are allowed, in the order in which they became ready. */

import { graphIn } from '../branches/flow.ts'
import type { RunDecision } from '../decision.ts'
import { stepAllowed } from '../limits/guards.ts'
import { breaksBefore } from '../people/breakpoints.ts'
import { nextReady, nextRequest } from './step-queue.ts'
import type { Step } from './steps-slice.ts'

/** @returns true if a guard has tripped, which has further consequences */
export function scheduleSteps(d: RunDecision): boolean {
  const { state } = d
  if (state.run.cancellation || state.run.pausedBy !== undefined || state.run.retryTimer !== undefined) return false
  // Serving steps count against no limit: the requesting steps wait for them, so a limit could cause a deadlock.
  for (let id = nextRequest(state); id !== undefined; id = nextRequest(state)) {
    const { branch, node, agent } = state.steps.open.get(id) as Step
    if (breaksBefore(d, id, agent)) return false
    const allowed = stepAllowed(d)
    if (allowed !== 'yes') return allowed === 'never'
    d.emit({ type: 'step.started', step: id, branch, node, agent, attempt: 1 })
  }
  const { limited } = graphIn(state)
  while (state.steps.parallel < d.config.maxParallelBranches) {
    const branch = nextReady(state, limited)
    if (!branch) return false
    const { id, node, attempt } = branch
    const step = `${id}#${branch.steps + 1}`
    const agent = d.node(node).label
    if (breaksBefore(d, step, agent)) return false
    const allowed = stepAllowed(d)
    if (allowed !== 'yes') return allowed === 'never'
    d.emit({ type: 'step.started', step, branch: id, node, agent, attempt })
  }
  return false
}
