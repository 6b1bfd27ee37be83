/** The span of an event in the trace of the run: the run, below it its branches, below those their steps. */
import { traceOf, type UserId } from '../../../core/index.ts'
import { runJournal, stepJournal } from '../store/run-journals.ts'
import type { EventWithPath } from './run-event.ts'

interface SpanRef {
  readonly span: string
  readonly parent?: string
}

/** Returns undefined for events that start or end no span. */
export function runSpanOf(user: UserId, run: string, event: EventWithPath): SpanRef | undefined {
  const id = (name: string) => traceOf(user, name, name).spanId
  const journal = runJournal(run)
  const branchOf = (branch: string) => id(`${journal}/${branch}`)
  switch (event.type) {
    case 'run.started':
    case 'run.completed':
    case 'run.failed':
    case 'run.cancelled':
      return { span: id(journal) }
    case 'branch.started':
      return { span: branchOf(event.branch), parent: event.parent === undefined ? id(journal) : branchOf(event.parent) }
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
