/** Where an event of a run stands in its trace: the run, below it its branches, below those their steps. */
import { traceOf, type UserId } from '../../core/index.ts'
import type { PlacedEvent } from './run-event.ts'
import { runJournal, stepJournal } from './run-journals.ts'

interface Placed {
  readonly span: string
  readonly parent?: string
}

/** Nothing for events that begin or end nothing. */
export function spanOf(user: UserId, run: string, event: PlacedEvent): Placed | undefined {
  const id = (name: string) => traceOf(user, name, name).spanId
  const whole = runJournal(run)
  const branchOf = (branch: string) => id(`${whole}/${branch}`)
  switch (event.type) {
    case 'run.started':
    case 'run.completed':
    case 'run.failed':
    case 'run.cancelled':
      return { span: id(whole) }
    case 'branch.started':
      return { span: branchOf(event.branch), parent: event.parent === undefined ? id(whole) : branchOf(event.parent) }
    case 'branch.completed':
    case 'branch.failed':
    case 'branch.cancelled':
      return { span: branchOf(event.branch) }
    case 'step.started':
    case 'step.waiting':
    case 'step.resumed':
    case 'step.completed':
    case 'step.failed':
      return { span: id(stepJournal(run, event.step)), parent: branchOf(event.branch) }
    default:
      return undefined
  }
}
