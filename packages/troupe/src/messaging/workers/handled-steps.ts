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
  readonly #wake = new Map<JournalId, () => void>()
  readonly #stopArrivals: () => void
  #stopping = false

  constructor(parts: HandledStepsParts) {
    this.#parts = parts
    this.#stopArrivals = parts.inbox.onArrival((user, journal) => {
      if (user === parts.user) this.#wake.get(journal)?.()
    })
  }

  /**
   * @param hung called once for an execution that neither ends nor waits for others in time
   * @returns how the step ended; `parked` if it waits and the worker was stopped
   */
  async execute(spec: StepSpec, program: (recorder: Recorder) => Promise<Json>, hung: () => void): Promise<StepEnd> {
    try {
      for (;;) {
        const woken = Promise.withResolvers<void>()
        this.#wake.set(spec.id, woken.resolve)
        const end = await this.#watched(this.#parts.steps.execute(spec, program), hung)
        if (end.status !== 'parked' || this.#stopping || spec.signal?.aborted) return end
        const stopWatching = whenAborted(spec.signal, woken.resolve)
        await woken.promise
        stopWatching()
        if (this.#stopping) return end
      }
    } finally {
      this.#wake.delete(spec.id)
    }
  }

  /** Releases handlers that wait for an answer: they continue where they are when the worker is started again. */
  stop(): void {
    this.#stopping = true
    for (const wake of this.#wake.values()) wake()
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
