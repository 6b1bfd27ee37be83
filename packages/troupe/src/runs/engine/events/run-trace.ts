/** The trace of a run: its id, and the spans of its events: the run, below it its branches, below those their steps. */
import { sampledField, spanIdOf, type TraceContext, traceIdOfRoot, type UserId } from '../../../core/index.ts'
import { runJournal, stepJournal } from '../../../journal/index.ts'
import type { Pinned } from '../../machine/machine-events.ts'
import type { AnnouncedEvent } from './run-event.ts'

interface SpanRef {
  readonly span: string
  readonly parent?: string
}

/** The number of spans whose ids are cached; the events of a branch and of its steps come close to each other. */
const maxCached = 256

/** Records the span in which the run was started. The run is below it in each process that continues the run. */
export const withCallerSpan = (pinned: Pinned, callerSpan: TraceContext | undefined): Pinned =>
  callerSpan ? { ...pinned, more: { ...(pinned.more as object | undefined), callerSpan: { ...callerSpan } } } : pinned

export const callerSpanOf = ({ more }: Pick<Pinned, 'more'>): TraceContext | undefined =>
  (more as { readonly callerSpan?: TraceContext } | undefined)?.callerSpan

/** Returns the trace id of a run (W3C Trace Context), which entries and messages of its steps carry. */
export const traceIdOf = (user: UserId, run: string, pinned: Pick<Pinned, 'more'>): string =>
  callerSpanOf(pinned)?.traceId ?? traceIdOfRoot(user, runJournal(run))

export class RunTrace {
  readonly id: string
  readonly #user: UserId
  readonly #journal: string
  readonly #stepJournals: string
  readonly #callerSpan: TraceContext | undefined
  /** The field of each event of a run whose caller does not record the trace. */
  readonly sampled: Pick<TraceContext, 'isSampled'>
  /** The ids of spans, each of which is a hash, by the names of what they are of. */
  readonly #spans = new Map<string, string>()

  constructor(user: UserId, run: string, pinned: Pick<Pinned, 'more'>) {
    this.id = traceIdOf(user, run, pinned)
    this.#user = user
    this.#journal = runJournal(run)
    this.#stepJournals = stepJournal(run, '')
    this.#callerSpan = callerSpanOf(pinned)
    this.sampled = sampledField(this.#callerSpan)
  }

  /** Returns undefined for events that start or end no span. */
  spanOf(event: AnnouncedEvent): SpanRef | undefined {
    const journal = this.#journal
    const branchOf = (branch: string) => this.#spanId(`${journal}/${branch}`)
    const above = (parent: string | undefined) => (parent === undefined ? this.#spanId(journal) : branchOf(parent))
    switch (event.type) {
      case 'run.started':
      case 'run.completed':
      case 'run.failed':
      case 'run.cancelled':
        return { span: this.#spanId(journal), ...(this.#callerSpan ? { parent: this.#callerSpan.spanId } : {}) }
      case 'branch.started':
        return { span: branchOf(event.branch), parent: above(event.parent) }
      case 'branch.completed':
      case 'branch.failed':
      case 'branch.cancelled':
        // A branch that a fork shares with its source has its parent from its start, which the fork emits too.
        return { span: branchOf(event.branch), ...(event.beginning && { parent: above(event.beginning.parent) }) }
      case 'step.started':
      case 'step.waiting':
      case 'step.resumed':
      case 'step.completed':
      case 'step.failed':
        return { span: this.#spanId(`${this.#stepJournals}${event.step}`), parent: branchOf(event.branch) }
      default:
        return undefined
    }
  }

  #spanId(name: string): string {
    const cached = this.#spans.get(name)
    if (cached !== undefined) return cached
    if (this.#spans.size >= maxCached) this.#spans.clear()
    const id = spanIdOf(this.#user, name)
    this.#spans.set(name, id)
    return id
  }
}
