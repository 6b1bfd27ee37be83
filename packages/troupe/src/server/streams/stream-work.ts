/** Streams long work: an event for each finished part, then one with the result. */
import { type Clock, sleep } from '../../core/index.ts'
import type { Frame } from './frame.ts'

/** After this time the stream begins, and a later error is its last event. */
const responseWaitMs = 1_000

/**
 * Resolves when the first part is finished, the work has ended, or a second has passed.
 * @param event the name of the last event; the others are named `progress`
 * @param work gets the function to call with each part
 * @throws the error of the work, if it occurs before the stream begins
 */
export async function streamWork<Part, Result>(
  clock: Clock,
  event: string,
  work: (onProgress: (part: Part) => void) => Promise<Result>,
): Promise<AsyncIterable<Frame>> {
  const progress = new Progress<Part>()
  const working = work((part) => progress.add(part))
  working.then(
    () => progress.end(),
    () => progress.end(),
  )
  // An error of the request occurs at once and is answered as a problem.
  const waited = new AbortController()
  await Promise.race([working, progress.begun, sleep(clock, responseWaitMs, waited.signal)]).finally(() =>
    waited.abort(),
  )
  return framesOf(progress, event, working)
}

/** The finished parts that are not sent yet; bounded by the number of parts. */
class Progress<Part> {
  readonly begun: Promise<void>
  readonly #parts: Part[] = []
  #begin = () => {}
  #wake = () => {}
  #over = false

  constructor() {
    this.begun = new Promise((resolve) => {
      this.#begin = resolve
    })
  }

  add(part: Part): void {
    this.#parts.push(part)
    this.#begin()
    this.#wake()
  }

  end(): void {
    this.#over = true
    this.#wake()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Part> {
    for (;;) {
      const more = new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      yield* this.#parts.splice(0)
      if (this.#over && this.#parts.length === 0) return
      if (this.#parts.length === 0) await more
    }
  }
}

async function* framesOf<Part>(progress: Progress<Part>, event: string, work: Promise<unknown>): AsyncGenerator<Frame> {
  for await (const one of progress) yield { event: 'progress', data: one }
  yield { event, data: await work }
}
