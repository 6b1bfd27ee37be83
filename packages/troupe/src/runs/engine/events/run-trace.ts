/** The trace of a run: its id, and the spans of its events: the run, below it its branches, below those their steps. */
import { spanIdOf, type UserId } from '../../../core/index.ts'
import { runJournal, stepJournal, traceIdOf } from '../store/run-journals.ts'
import type { EventWithPath } from './run-event.ts'

interface SpanRef {
  readonly span: string
  readonly parent?: string
}

/** The number of spans whose ids are cached; the events of a branch and of its steps come close to each other. */
const maxCached = 256

export class RunTrace {
  readonly #user: UserId
  readonly #run: string
  /** The ids of spans, each of which is a hash, by the names of what they are of. */
  readonly #spans = new Map<string, string>()
  #id: string | undefined

  constructor(user: UserId, run: string) {
    this.#user = user
    this.#run = run
  }

  get id(): string {
    this.#id ??= traceIdOf(this.#user, this.#run)
    return this.#id
  }

  /** Returns undefined for events that start or end no span. */
  spanOf(event: EventWithPath): SpanRef | undefined {
    const journal = runJournal(this.#run)
    const branchOf = (branch: string) => this.#spanId(`${journal}/${branch}`)
    switch (event.type) {
      case 'run.started':
      case 'run.completed':
      case 'run.failed':
      case 'run.cancelled':
        return { span: this.#spanId(journal) }
      case 'branch.started': {
        const parent = event.parent === undefined ? this.#spanId(journal) : branchOf(event.parent)
        return { span: branchOf(event.branch), parent }
      }
      case 'branch.completed':
      case 'branch.failed':
      case 'branch.cancelled':
        return { span: branchOf(event.branch) }
      case 'step.started':
      case 'step.waiting':
      case 'step.resumed':
      case 'step.completed':
      case 'step.failed':
        return { span: this.#spanId(stepJournal(this.#run, event.step)), parent: branchOf(event.branch) }
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
