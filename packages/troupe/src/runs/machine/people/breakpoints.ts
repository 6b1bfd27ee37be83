/** Breakpoints: points at which a run pauses for inspection and edits until it is resumed. */
import { type Json, type StoredError, taintField } from '../../../core/index.ts'
import type { BreakOn } from '../../../topology/index.ts'
import type { RunDecision } from '../decision.ts'
import { guardIn } from '../limits/guards.ts'
import type { BranchId, Breakpoint, StepEnding, StepId } from '../machine-events.ts'
import { pauseRun } from '../run/start-and-cancel.ts'
import type { State } from '../state.ts'
import type { Step } from '../steps/steps-slice.ts'

/** The current breakpoints: those of the start, unless others were set since. */
export const breakpointsIn = ({ run: { breakOn, pinned } }: Readonly<State>): readonly BreakOn[] =>
  breakOn ?? pinned.config.debug?.breakOn ?? []

/** Checks breakpoints before a step starts. @returns true if the run pauses instead */
export function breaksBefore(d: RunDecision, step: StepId, agent: string): boolean {
  const { stopAtStep, lastBreakpoint, seq } = d.state.run
  if (stopAtStep !== undefined && d.state.budgets.totalSteps >= stopAtStep) return stop(d, { on: 'step', step, agent })
  if (lastBreakpoint.step === step) return false
  for (const each of breakpointsIn(d.state)) {
    if (each.on === 'agent' && each.agent === agent) return stop(d, { on: 'agent', step, agent })
    if (each.on === 'seq' && each.seq > lastBreakpoint.seq && each.seq <= seq)
      return stop(d, { on: 'seq', step, agent })
  }
  return false
}

function stop(d: RunDecision, breakpoint: Breakpoint): true {
  pauseRun(d, 'breakpoint', breakpoint)
  return true
}

/** Returns whether a breakpoint holds the failure before the run continues with it. Failures by guards are not held. */
export function stopsAtFailure(d: RunDecision, step: Step, error: StoredError): boolean {
  const isWanted = breakpointsIn(d.state).some(({ on }) => on === 'error')
  return isWanted && !step.suspendedEnding && !step.cancellation && !d.state.run.cancellation && !guardIn(error)
}

export function suspendFailure(
  d: RunDecision,
  step: Step,
  error: StoredError,
  more: Pick<StepEnding, 'usage' | 'taint'>,
): void {
  const { id, branch, agent } = step
  const { usage, taint } = more
  const detail = { error, ...(usage ? { usage } : {}) }
  d.emit({ type: 'step.waiting', step: id, branch, agent, reason: 'breakpoint', detail, ...taintField(taint) })
  pauseRun(d, 'breakpoint', { on: 'error', step: id, agent })
}

/** Replaces the input of a branch whose step has not started. */
export function editBranch(d: RunDecision, id: BranchId, input: Json): void {
  const branch = d.state.branches.all.get(id)
  if (branch?.status !== 'ready') return
  const { node, from, attempt, substitute, history } = branch
  d.emit({
    type: 'branch.moved',
    branch: id,
    node,
    agent: d.label(branch),
    input,
    ...(history ? { history } : {}),
    attempt,
    ...(from === undefined ? {} : { from }),
    ...(substitute ? { substitute: true as const } : {}),
  })
}
