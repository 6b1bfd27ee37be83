/**
 * The taint of the step whose code is running. Code of a step can reach contents past its `ctx`: by a handle of a user
 * that the application holds. What such a handle reads adds its labels here, and what it writes carries the labels of
 * the step. Outside steps there is no such scope, and nothing is recorded.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Principal, TaintLabel } from './envelope.ts'

/** The labels of a step, or of one effect or tool call in it. */
export interface StepTaint {
  /** Aborts when the code of the step has to stop; absent for code that no step stops. */
  readonly signal?: AbortSignal
  /** The run of the step; absent outside a run. */
  readonly runId?: string | undefined
  /** The user and the agent of the step; absent for code that several steps share. */
  readonly principal?: Principal
  /** The labels of what the step has read so far. */
  readonly taint: readonly TaintLabel[]
  /** @param source the origin of the labels, for people: an entry as `key@version`, or a message, run or memory */
  addTaint(labels: readonly TaintLabel[], source?: string): void
}

/** Cleared when the code has ended: timers and loops that it has started outlive the step. */
interface Scope {
  step: StepTaint | undefined
}

const scopes = new AsyncLocalStorage<Scope>()
const none: readonly TaintLabel[] = Object.freeze([])

/** The labels of contents of a step in progress, whose own labels are recorded at its end. */
export const unknownTaint: readonly TaintLabel[] = Object.freeze(['sensitive:*', 'untrusted:*'])

/** Runs code of a step. The scope ends with the promise of the code. */
export function runWithStepTaint<Out>(step: StepTaint, run: () => Promise<Out>): Promise<Out> {
  const scope: Scope = { step }
  const promise = scopes.run(scope, run)
  const end = () => {
    scope.step = undefined
  }
  promise.then(end, end)
  return promise
}

/** Returns whether code of a step is running, whose reads of contents must name their labels. */
export const isInStep = (): boolean => scopes.getStore()?.step !== undefined

/** Returns the signal and the run of the step whose code is running; undefined outside a step. */
export const currentStep = (): Pick<StepTaint, 'signal' | 'runId' | 'principal'> | undefined => scopes.getStore()?.step

/** Returns the labels of the step whose code is running; none outside a step. */
export const stepTaint = (): readonly TaintLabel[] => scopes.getStore()?.step?.taint ?? none

/** Adds the labels of contents that a handle has read to the step whose code is running, if any. */
export function addStepTaint(labels: readonly TaintLabel[] | undefined, source?: string): void {
  if (labels && labels.length > 0) scopes.getStore()?.step?.addTaint(labels, source)
}
