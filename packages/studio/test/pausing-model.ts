/** A model that waits in the middle of its answer. */
import { MockModel } from 'troupe/testing'

type Streamed = Awaited<ReturnType<MockModel['doStream']>>
type StreamPart = Streamed['stream'] extends ReadableStream<infer Part> ? Part : never

/** Streams as a `MockModel`, reports tokens of the cache, and stops before the word `pause` until it is opened. */
export class PausingModel extends MockModel {
  #gate = Promise.withResolvers<void>()

  /** Lets the answer in progress end; the next one stops again. */
  open(): void {
    this.#gate.resolve()
    this.#gate = Promise.withResolvers()
  }

  override async doStream(options: Parameters<MockModel['doStream']>[0]): Promise<Streamed> {
    const { stream } = await super.doStream(options)
    const gate = this.#gate.promise
    const pause = new TransformStream<StreamPart, StreamPart>({
      transform: async (part, controller) => {
        if (part.type === 'text-delta' && part.delta.startsWith('pause')) await gate
        controller.enqueue(part.type === 'finish' ? { ...part, usage } : part)
      },
    })
    return { stream: stream.pipeThrough(pause) }
  }
}

const usage = {
  inputTokens: { total: 1_000, noCache: 200, cacheRead: 800, cacheWrite: 0 },
  outputTokens: { total: 20, text: 15, reasoning: 5 },
}
