/** Signs the tree at an interval and at the end if it has grown; a checkpoint that cannot be delivered is signed again later. */
import { type Clock, PeriodicTask } from '../../../core/index.ts'
import type { Checkpoint, SignCheckpoint } from './checkpoint.ts'

export interface CheckpointerParts {
  readonly clock: Clock
  readonly everyMs: number
  readonly sign: SignCheckpoint
  readonly deliver: (checkpoint: Checkpoint) => void | Promise<void>
  /** After all that is stored has its place. */
  readonly tree: () => Promise<{ readonly size: number; readonly root: string }>
  readonly failed: (error: unknown) => void
}

export class Checkpointer {
  readonly #parts: CheckpointerParts
  readonly #task: PeriodicTask
  #delivered: number | undefined
  #running: Promise<unknown> = Promise.resolve()

  constructor(parts: CheckpointerParts) {
    this.#parts = parts
    const { clock, everyMs: intervalMs, failed } = parts
    const run = async () => void (await this.now())
    this.#task = new PeriodicTask({ name: 'checkpoints', clock, intervalMs, run, failed })
  }

  start(): void {
    this.#task.start()
  }

  /** @returns undefined if the tree has not grown since the last checkpoint */
  now(): Promise<Checkpoint | undefined> {
    const next = this.#running.then(() => this.#sign())
    this.#running = next.catch(() => {})
    return next
  }

  async stop(): Promise<void> {
    await this.#task.close()
    await this.now().catch(this.#parts.failed)
  }

  async #sign(): Promise<Checkpoint | undefined> {
    const { clock, sign, deliver, tree } = this.#parts
    const { size, root } = await tree()
    if (size === this.#delivered) return undefined
    const checkpoint = sign({ at: Math.floor(clock.now()), size, root })
    await deliver(checkpoint)
    this.#delivered = size
    return checkpoint
  }
}
