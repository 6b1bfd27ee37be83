/** The state of the complete run: its status, its pinned parts, its pause or cancellation, and its result. */
import type { Json, StoredError } from '../../../core/index.ts'
import type { BreakOn } from '../../../topology/index.ts'
import type { Breakpoint, Cancellation, Guard, Pinned, StepId } from '../machine-events.ts'
import type { StatusTransitions } from '../transition-to.ts'

export type RunSliceStatus = 'new' | 'running' | 'completed' | 'failed' | 'cancelled'

export const runTransitions: StatusTransitions<RunSliceStatus> = {
  new: ['running'],
  running: ['completed', 'failed', 'cancelled'],
  completed: [],
  failed: [],
  cancelled: [],
}

export interface RunSlice {
  status: RunSliceStatus
  pinned: Pinned
  task: Json
  startedAt: number
  /** The number of events that were folded. */
  seq: number
  pausedBy: string | undefined
  /** The breakpoint at which the run is paused; undefined if it is not paused at one. */
  breakpoint: Breakpoint | undefined
  /** The newest breakpoint: the run does not stop at it twice. */
  lastBreakpoint: { readonly seq: number; readonly step: StepId | undefined }
  /** The breakpoints that replace those of the start. */
  breakOn: readonly BreakOn[] | undefined
  /** The number of started steps at which the run stops. */
  stopAtStep: number | undefined
  cancellation: Cancellation | undefined
  cancelRequestedBy: string | undefined
  /** The event that asked for the end of all child runs, until they have ended. */
  childrenCancelledAt: number | undefined
  guard: Guard | undefined
  attempt: number
  /** The timer after which the next attempt begins. */
  retryTimer: string | undefined
  response: Json | undefined
  error: StoredError | undefined
  /** The last value that a branch ended with. */
  lastValue: Json | undefined
}

const nothing: Pinned = {
  topology: { version: 1, nodes: [], edges: [] },
  config: {
    budget: { steps: 0, depth: 0, hops: 0, branches: 0, time: 0 },
    timeouts: {},
    join: 'all',
    onFailure: 'failFast',
    onError: {},
    guards: { repetition: false, pingPong: false, noProgress: false },
    maxParallelBranches: 1,
    verbosity: 'normal',
    showAgentThoughts: false,
    showToolCalls: false,
    trace: false,
  },
  fingerprints: {},
}

export const createRunSlice = (): RunSlice => ({
  status: 'new',
  pinned: nothing,
  task: null,
  startedAt: 0,
  seq: 0,
  pausedBy: undefined,
  breakpoint: undefined,
  lastBreakpoint: { seq: 0, step: undefined },
  breakOn: undefined,
  stopAtStep: undefined,
  cancellation: undefined,
  cancelRequestedBy: undefined,
  childrenCancelledAt: undefined,
  guard: undefined,
  attempt: 1,
  retryTimer: undefined,
  response: undefined,
  error: undefined,
  lastValue: undefined,
})
