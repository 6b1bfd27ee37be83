/** Signs the tree at an interval and at the end, where it has grown since; what cannot be delivered is signed anew later. */
import type { Cancel, Clock } from '../../../core/index.ts'
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
  #cancel: Cancel | undefined
  #delivered: number | undefined
  #running: Promise<unknown> = Promise.resolve()

  constructor(parts: CheckpointerParts) {
    this.#parts = parts
  }

  start(): void {
    const { clock, everyMs, failed } = this.#parts
    const round = async () => {
      await this.now().catch(failed)
      if (this.#cancel) this.start()
    }
    this.#cancel = clock.after(everyMs, () => void round(), { background: true })
  }

  /** @returns undefined where nothing came since the last one */
  now(): Promise<Checkpoint | undefined> {
    const next = this.#running.then(() => this.#sign())
    this.#running = next.catch(() => {})
    return next
  }

  async stop(): Promise<void> {
    this.#cancel?.()
    this.#cancel = undefined
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
