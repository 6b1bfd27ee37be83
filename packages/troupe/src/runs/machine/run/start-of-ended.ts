/**
 * The start of what an event ends, for observers: those of a process that claimed the run later have not seen the event of
 * the start.
 */
import type { BranchId, Event } from '../machine-events.ts'
import { must, type State } from '../state.ts'

/** The start of a run, branch or step that ends. */
export interface EndedStart {
  /** The start in ms since 1970. */
  readonly startedAt: number
  /** The branch that started the branch; absent for entries. */
  readonly parent?: BranchId
  /** The number of the attempt of the step, from 1. */
  readonly attempt?: number
}

/**
 * Returns the start of the run, branch or step that the event ends; undefined for other events.
 * @param state the state before the event
 */
export function startOfEnded({ run, branches, steps }: State, event: Event): EndedStart | undefined {
  switch (event.type) {
    case 'run.completed':
    case 'run.failed':
    case 'run.cancelled':
      return { startedAt: run.startedAt }
    case 'branch.completed':
    case 'branch.failed':
    case 'branch.cancelled': {
      const { startedAt, parent } = must(branches.all.get(event.branch), event.branch)
      return { startedAt, ...(parent === undefined ? {} : { parent }) }
    }
    case 'step.completed':
    case 'step.failed': {
      const { startedAt, serve, branch } = must(steps.open.get(event.step), event.step)
      return { startedAt, attempt: serve ? 1 : must(branches.all.get(branch), branch).attempt }
    }
    default:
      return undefined
  }
}
