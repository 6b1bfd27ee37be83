/**
 * Executes the steps of handlers. A handler that waits for an answer is parked: its step is executed again when something
 * arrives for it, until it ends or the worker stops.
 */
import { type Clock, type Json, whenAborted } from '../../core/index.ts'
import type { Inbox, JournalId, Recorder, StepEnd, StepSpec, Steps } from '../../journal/index.ts'

export interface HandledStepsParts {
  readonly user: string
  readonly clock: Clock
  readonly steps: Pick<Steps, 'execute'>
  readonly inbox: Pick<Inbox, 'onArrival'>
  /** ms after which an execution hangs; undefined: never. */
  readonly hangMs: number | undefined
}

export class HandledSteps {
  readonly #parts: HandledStepsParts
  /** Two executions of one step exist while the first one, whose lease was lost, ends. */
  readonly #wakes = new Map<JournalId, Set<() => void>>()
  readonly #stopArrivals: () => void
  #stopping = false

  constructor(parts: HandledStepsParts) {
    this.#parts = parts
    this.#stopArrivals = parts.inbox.onArrival((user, journal) => {
      if (user === parts.user) for (const wake of this.#wakes.get(journal) ?? []) wake()
    })
  }

  /**
   * @param hung called once for an execution that neither ends nor waits for others in time
   * @returns how the step ended; `parked` if it waits and the worker was stopped
   */
  async execute(spec: StepSpec, program: (recorder: Recorder) => Promise<Json>, hung: () => void): Promise<StepEnd> {
    for (;;) {
      const woken = Promise.withResolvers<void>()
      const removeWake = this.#addWake(spec.id, woken.resolve)
      try {
        const end = await this.#watched(this.#parts.steps.execute(spec, program), hung)
        if (end.status !== 'parked' || this.#stopping || spec.signal?.aborted) return end
        const stopWatching = whenAborted(spec.signal, woken.resolve)
        await woken.promise
        stopWatching()
        if (this.#stopping) return end
      } finally {
        removeWake()
      }
    }
  }
  #addWake(id: JournalId, wake: () => void): () => void {
    const wakes = this.#wakes.get(id) ?? new Set()
    this.#wakes.set(id, wakes.add(wake))
    return () => {
      wakes.delete(wake)
      if (wakes.size === 0) this.#wakes.delete(id)
    }
  }

  /** Releases handlers that wait for an answer: they continue where they are when the worker is started again. */
  stop(): void {
    this.#stopping = true
    for (const wakes of this.#wakes.values()) for (const wake of wakes) wake()
  }
  close(): void {
    this.#stopArrivals()
  }

  async #watched(execution: Promise<StepEnd>, hung: () => void): Promise<StepEnd> {
    const { clock, hangMs } = this.#parts
    if (hangMs === undefined) return execution
    const cancel = clock.after(hangMs, hung, { background: true })
    try {
      return await execution
    } finally {
      cancel()
    }
  }
}
