/** The parts of an answer as they arrive: iterate over them, await the complete result, or both. */
import { endable, type Json } from '../../core/index.ts'

/** A part of an answer, as the model produces it. */
export type StreamPart =
  | {
      readonly type: 'text-delta'
      /** The next characters of the text. */
      readonly delta: string
    }
  | {
      readonly type: 'reasoning'
      /** The next characters of the reasoning, for a model that reports it. */
      readonly reasoning: string
    }
  /** The parts so far are void: the answer was interrupted and starts again. */
  | {
      readonly type: 'reset'
      /** The reason of the interruption. */
      readonly reason: string
    }

/**
 * The parts of an answer as they arrive, and the complete result. Parts are buffered, so that a late iteration gets
 * them all.
 */
export class SessionStream<Result> implements AsyncIterable<StreamPart> {
  /** Resolves with the complete result; rejects with the error of the call. */
  readonly result: Promise<Result>
  readonly #parts: StreamPart[] = []
  #over = false
  /** Resolves when a part arrives, or when the answer is over. */
  #next = Promise.withResolvers<void>()

  constructor(begin: (live: (part: Json) => void) => Promise<Result>) {
    this.result = begin((part) => {
      this.#parts.push(part as StreamPart)
      this.#wake()
    })
    const end = () => {
      this.#over = true
      this.#wake()
    }
    // The iteration reports a failure too, so a rejection of `result` that has no handler is not an error.
    this.result.then(end, end)
  }

  /** @throws the error of the call, after the parts that arrived */
  [Symbol.asyncIterator](): AsyncGenerator<StreamPart, void> {
    return endable(undefined, (ended) => this.#iterate(ended))
  }

  async *#iterate(ended: AbortSignal): AsyncGenerator<StreamPart> {
    ended.addEventListener('abort', () => this.#wake(), { once: true })
    for (let next = 0; !ended.aborted; ) {
      const part = this.#parts[next]
      if (part) {
        next++
        yield part
      } else if (this.#over) {
        await this.result
        return
      } else await this.#next.promise
    }
  }

  #wake(): void {
    const { resolve } = this.#next
    this.#next = Promise.withResolvers()
    resolve()
  }
}
