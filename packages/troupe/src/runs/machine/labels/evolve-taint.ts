/**
 * Propagates the taint labels of a run's values. A branch derives from its task, from the branch that started it, from the
 * results that it joined, and from the data that its steps have read. A step reports the labels of its outcome: those of its
 * input and of what it read, unless its code declassified some. Untainted values have no entry.
 */
import { joinTaint, type TaintLabel } from '../../../core/index.ts'
import type { Event, EventOf } from '../machine-events.ts'
import { must, type State } from '../state.ts'

type Taint = readonly TaintLabel[] | undefined

/** Returns the taint of the task, which includes that of the thread that the run continues. */
export const taintOfTask = (state: Readonly<State>): Taint => state.labels.taints.get('task')
/** Returns the labels of the results of its branches, since its response may contain any of them. */
export const taintOfRun = (state: Readonly<State>): Taint => state.labels.taints.get('run')

/** The labels of a step's input. A serving step has those of the request. */
export const taintOfStep = (
  state: Readonly<State>,
  { id, branch }: { readonly id: string; readonly branch: string },
): readonly TaintLabel[] =>
  joinTaint(state.labels.taints.get(`step ${id}`), state.labels.taints.get(`branch ${branch}`))

/** Called before the event is folded, so that the records that it closes still exist. */
export function evolveTaint(state: State, event: Event): void {
  const { taints } = state.labels
  switch (event.type) {
    case 'run.started':
      put(state, 'task', event.taint)
      break
    case 'branch.started': {
      const task = event.parent === undefined && event.meets === undefined ? taints.get('task') : undefined
      const from = joinTaint(task, taints.get(`branch ${event.parent}`), taints.get(`join ${event.meets}`))
      put(state, `branch ${event.branch}`, from)
      break
    }
    case 'branch.moved':
      add(state, `branch ${event.branch}`, taints.get(`join ${event.meets}`))
      break
    // The result reports each branch, also those that continued as another branch.
    case 'branch.completed':
    case 'branch.failed':
    case 'branch.cancelled':
      add(state, 'run', taints.get(`branch ${event.branch}`))
      break
    case 'step.completed':
      completed(state, event)
      break
    case 'step.failed':
    case 'step.waiting':
    case 'question.answered':
      add(state, `branch ${event.branch}`, event.taint)
      break
    case 'request.made':
      put(state, `step ${event.step}`, event.taint)
      break
    case 'join.arrived':
      add(state, `join ${event.joinId}`, taintOfArrival(state, event))
      break
    // The error of a failed join quotes a failure that arrived.
    case 'join.completed':
      add(state, `branch ${event.branch}`, taints.get(`join ${event.joinId}`))
      break
    case 'join.closed':
      put(state, `join ${event.joinId}`, undefined)
  }
}

/** The labels of a serving step pass to the asking step with the answer. */
function completed(state: State, event: EventOf<'step.completed'>): void {
  const { serve } = must(state.steps.open.get(event.step), event.step)
  put(state, serve ? `step ${event.step}` : `branch ${event.branch}`, serve ? undefined : event.taint)
}

/** An arrival without a branch of its own may derive from any branch of the group. */
function taintOfArrival(state: State, event: EventOf<'join.arrived'>): Taint {
  const { taints } = state.labels
  const { groups } = state.branches
  if (taints.size === 0) return undefined
  const joinState = must(state.joins.open.get(event.joinId), event.joinId)
  if (event.slot === undefined && event.branch !== undefined) return taints.get(`branch ${event.branch}`)
  const group = groups.get(String(event.slot === undefined ? joinState.group : joinState.slots[event.slot]?.group))
  return joinTaint(...(group?.branches ?? []).map((id) => taints.get(`branch ${id}`)))
}

function put(state: State, key: string, taint: Taint): void {
  if (taint && taint.length > 0) state.labels.taints.set(key, taint)
  else state.labels.taints.delete(key)
}

function add(state: State, key: string, taint: Taint): void {
  if (taint && taint.length > 0) put(state, key, joinTaint(state.labels.taints.get(key), taint))
}
