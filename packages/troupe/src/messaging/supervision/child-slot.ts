/**
 * One child of a supervisor and the state of its present start.
 *
 * Invariant: a failure of an earlier start changes nothing.
 */
import { type EventPayloads, failedWith } from '../../core/index.ts'
import type { Child, ChildState, StartedChild, SuperviseParts } from './supervision.ts'

export class ChildSlot {
  readonly #child: Child
  readonly #emitEvent: SuperviseParts['emit']
  #status: ChildState['status'] = 'starting'
  #restarts = 0
  #error: Error | undefined
  #begun: StartedChild | undefined
  /** Incremented at each start and each end. */
  #generation = 0

  constructor(child: Child, emit: SuperviseParts['emit']) {
    this.#child = child
    this.#emitEvent = emit
  }

  get name(): string {
    return this.#child.name
  }
  get status(): ChildState['status'] {
    return this.#status
  }
  /** The error of the last failure. */
  get error(): Error | undefined {
    return this.#error
  }
  state(): ChildState {
    return {
      name: this.name,
      status: this.#status,
      restarts: this.#restarts,
      ...(this.#error === undefined ? {} : { error: this.#error }),
      ...(this.#child.children === undefined ? {} : { children: this.#child.children() }),
    }
  }

  /**
   * @param failed called when the child fails after its start; `isPast` returns true if it was ended or restarted since
   * @throws the error of the start
   */
  async begin(failed: (error: unknown, isPast: () => boolean) => void): Promise<void> {
    const generation = ++this.#generation
    const isPast = () => this.#generation !== generation
    this.#begun = await this.#child.begin((error) => failed(error, isPast))
    this.#status = 'running'
  }
  restarted(): void {
    this.#restarts++
    this.#emit('worker.restarted', { restarts: this.#restarts })
  }
  crashed(error: unknown, failures: number): void {
    this.#error = error instanceof Error ? error : new Error(String(error), { cause: error })
    this.#emit('worker.crashed', { ...failedWith(error), failures }, error)
  }
  /** Never rejects. */
  async end(how: 'stop' | 'halt'): Promise<void> {
    const begun = this.#begun
    this.#generation++
    this.#begun = undefined
    if (this.#status === 'running') this.#status = 'restarting'
    try {
      await begun?.[how]()
    } catch (error) {
      this.#emit('worker.failed', failedWith(error), error)
    }
  }
  /** Ends the child permanently. */
  async stop(): Promise<void> {
    await this.end('stop')
    this.#status = 'stopped'
  }

  #emit<Name extends 'worker.crashed' | 'worker.restarted' | 'worker.failed'>(
    type: Name,
    fields: Omit<EventPayloads[Name], 'agent'>,
    error?: unknown,
  ): void {
    this.#emitEvent(type, { agent: this.name, ...fields } as EventPayloads[Name], error)
  }
}
