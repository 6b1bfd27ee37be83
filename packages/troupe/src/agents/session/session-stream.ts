/** The parts of an answer as they arrive: iterate over them, await the complete result, or both. */
import type { Json } from '../../core/index.ts'

export type StreamPart =
  | { readonly type: 'text-delta'; readonly delta: string }
  | { readonly type: 'reasoning'; readonly reasoning: string }
  /** The parts so far are void: the answer was interrupted and starts again. */
  | { readonly type: 'reset'; readonly reason: string }

export class SessionStream<Result> implements AsyncIterable<StreamPart> {
  /** Rejects with what the call failed with. */
  readonly result: Promise<Result>
  readonly #parts: StreamPart[] = []
  #over = false
  #wake: () => void = () => {}

  constructor(begin: (live: (part: Json) => void) => Promise<Result>) {
    this.result = begin((part) => {
      this.#parts.push(part as StreamPart)
      this.#wake()
    })
    const end = () => {
      this.#over = true
      this.#wake()
    }
    // Whoever iterates learns of a failure there; nobody has to look at `result`.
    this.result.then(end, end)
  }

  /** @throws what the call failed with, after the pieces that came */
  async *[Symbol.asyncIterator](): AsyncGenerator<StreamPart> {
    for (let next = 0; ; ) {
      const part = this.#parts[next]
      if (part) {
        next++
        yield part
      } else if (this.#over) {
        await this.result
        return
      } else {
        await new Promise<void>((resolve) => {
          const before = this.#wake
          this.#wake = () => {
            before()
            resolve()
          }
        })
      }
    }
  }
}
