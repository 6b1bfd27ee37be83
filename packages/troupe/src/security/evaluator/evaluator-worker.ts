/**
 * The thread of the evaluator, seen from the main thread: answers one request at a time, with a deadline and a memory
 * limit. A thread that exceeds either is ended, and the next request starts another one.
 */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { findEvaluatorThread } from './find-evaluator-thread.ts'
import type { DueTimes, TimesQuery } from './schedule-times.ts'

/** A pattern of keys, and the keys to match. */
export interface KeyMatch {
  readonly pattern: string
  readonly keys: readonly string[]
}

export type EvaluatorRequest =
  | { readonly schema: string; readonly value?: string }
  | { readonly times: TimesQuery }
  | { readonly matches: readonly KeyMatch[] }
export type EvaluatorReply = {
  readonly elapsedMs: number
  /** Why the schema or the cron text cannot be compiled. */
  readonly unusable?: string
  /** The limit that compiling or checking exceeded; the value has a part in it, so the schema may be tried again. */
  readonly exceeded?: string
  readonly mismatch?: string
  readonly times?: DueTimes
  /** For each pattern, whether each of its keys matches. */
  readonly matches?: readonly (readonly boolean[])[]
}

export class EvaluatorWorker {
  readonly #limits: { readonly deadlineMs: number; readonly memoryMb: number }
  #thread: Promise<Worker> | undefined

  constructor(limits: { readonly deadlineMs: number; readonly memoryMb: number }) {
    this.#limits = limits
  }

  async ask(request: EvaluatorRequest): Promise<EvaluatorReply> {
    this.#thread ??= this.#start()
    const thread = await this.#thread
    thread.ref()
    const { deadlineMs, memoryMb } = this.#limits
    return new Promise((resolve) => {
      const end = (reply: EvaluatorReply) => {
        clearTimeout(timer)
        thread.off('message', end).off('error', died).off('exit', died)
        resolve(reply)
      }
      const stop = (exceeded: string) => {
        end({ elapsedMs: deadlineMs, exceeded })
        void this.end()
      }
      const died = (reason: unknown) => {
        const isFull = (reason as { code?: unknown } | null)?.code === 'ERR_WORKER_OUT_OF_MEMORY'
        stop(isFull ? `it needs more than ${memoryMb} MB` : 'its evaluation ended the thread')
      }
      const timer = setTimeout(() => stop(`it takes longer than ${deadlineMs} ms to evaluate`), deadlineMs)
      thread.on('message', end).on('error', died).on('exit', died)
      thread.postMessage(request)
    })
  }

  /** Until the next request, the thread does not keep the process alive. */
  release(): void {
    void this.#thread?.then((thread) => thread.unref()).catch(() => {})
  }

  async end(): Promise<void> {
    const thread = this.#thread
    this.#thread = undefined
    await thread?.then((one) => one.terminate()).catch(() => {})
  }

  async #start(): Promise<Worker> {
    const { memoryMb } = this.#limits
    const thread = new Worker(await findEvaluatorThread(), {
      name: 'troupe-evaluator',
      execArgv: [],
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: memoryMb, maxYoungGenerationSizeMb: 16, stackSizeMb: 4 },
    })
    try {
      await once(thread, 'message')
    } catch (error) {
      this.#thread = undefined
      throw error
    }
    // An error without a listener would end the process.
    thread.on('error', () => {})
    return thread
  }
}
