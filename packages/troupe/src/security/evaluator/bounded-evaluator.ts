/**
 * Evaluates JSON Schemas of others, and with them regular expressions: those of callers and of servers of tools. Also
 * searches for the times of cron texts of callers. The
 * author of an expression decides how long it takes, so nothing of it is compiled or tried on the main thread. One thread
 * evaluates one request at a time, the sources in turns, with a deadline and a memory limit; it is ended and replaced if it exceeds either. Each
 * source has a budget of time: a source that used it up is rejected until the minute is over.
 */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { LRUCache } from 'lru-cache'
import { type Clock, failure, hashText, type Json, type Schema, TimeSlice, type TroupeError } from '../../core/index.ts'
import { boundedText } from './bounded-text.ts'
import { FairQueue } from './fair-queue.ts'
import { findEvaluatorThread } from './find-evaluator-thread.ts'
import { type DueTimes, scheduleTimes, type TimesQuery } from './schedule-times.ts'
import { SourceBudgets } from './source-budgets.ts'

export interface EvaluatorLimits {
  /** The time limit of one compilation or one check. */
  readonly deadlineMs: number
  /** The time that the expressions of one source may take within a minute. */
  readonly budgetMs: number
  /** The size of the thread's heap. */
  readonly memoryMb: number
  /** Requests that wait, of all sources. */
  readonly maxWaiting: number
  /** Requests of one source that wait. */
  readonly maxWaitingOfSource: number
  /** The maximal length of a schema as JSON text. */
  readonly maxSchemaLength: number
  /** The maximal length of a value as JSON text, if the caller gives no other. */
  readonly maxValueLength: number
}

export type EvaluatorRequest = { readonly schema: string; readonly value?: string } | { readonly times: TimesQuery }
export type EvaluatorReply = {
  readonly elapsedMs: number
  /** Why the schema or the cron text cannot be compiled. */
  readonly unusable?: string
  /** The limit that compiling or checking exceeded; the value has a part in it, so the schema may be tried again. */
  readonly exceeded?: string
  readonly mismatch?: string
  readonly times?: DueTimes
}

/** A schema that is too long has no text. */
interface SchemaText {
  readonly text: string | undefined
  readonly key: string
}

/** The texts and hashes of schemas: the schema of a tool is checked at each call. */
class SchemaTexts {
  readonly #known = new WeakMap<object, SchemaText>()
  readonly #maxLength: number

  constructor(maxLength: number) {
    this.#maxLength = maxLength
  }

  of(schema: Json): SchemaText {
    if (typeof schema !== 'object' || schema === null) return this.#read(schema)
    const known = this.#known.get(schema) ?? this.#read(schema)
    this.#known.set(schema, known)
    return known
  }

  #read(schema: Json): SchemaText {
    const text = boundedText(schema, this.#maxLength)
    return { text, key: text === undefined ? '' : hashText(text) }
  }
}

interface Waiting {
  readonly evaluate: () => Promise<void>
  readonly end: (problem: string) => void
}

type Rejection = (problem: string) => TroupeError

/** Does one short part of the work that a source causes on the main thread. */
export type ChargedWork = <Result>(part: () => Result) => Promise<Result>

const defaults: EvaluatorLimits = {
  deadlineMs: 1_000,
  budgetMs: 2_000,
  memoryMb: 64,
  maxWaiting: 1_000,
  maxWaitingOfSource: 250,
  maxSchemaLength: 262_144,
  maxValueLength: 1_048_576,
}
const maxUnusable = 10_000

export class BoundedEvaluator {
  readonly #clock: Clock
  readonly #limits: EvaluatorLimits
  readonly #waiting = new FairQueue<Waiting>()
  /** By the hash of a schema: the reason why it cannot be compiled. */
  readonly #unusable = new LRUCache<string, string>({ max: maxUnusable })
  readonly #budgets: SourceBudgets
  readonly #texts: SchemaTexts
  #thread: Promise<Worker> | undefined
  #isWorking = false
  #isClosed = false

  constructor({ clock }: { readonly clock: Clock }, limits: Partial<EvaluatorLimits> = {}) {
    this.#clock = clock
    this.#limits = { ...defaults, ...limits }
    this.#budgets = new SourceBudgets(clock, this.#limits.budgetMs)
    this.#texts = new SchemaTexts(this.#limits.maxSchemaLength)
  }

  /**
   * Compiles a schema, or checks a value by it.
   * @param source the author of the schema: its budget pays
   * @returns why the value does not fit; undefined if it fits
   * @throws ValidationError `schema.rejected` for a schema that cannot be compiled, or that exceeded a limit
   */
  async check(
    source: string,
    schema: Json,
    value?: Json,
    maxValueLength: number = this.#limits.maxValueLength,
  ): Promise<string | undefined> {
    const { maxSchemaLength } = this.#limits
    const rejection: Rejection = (problem) => failure('schema.rejected', { source, problem })
    this.#checkQueue(source, rejection)
    const { text, key } = this.#texts.of(schema)
    if (text === undefined) throw rejection(`it ${beyond(maxSchemaLength)}`)
    const valueText = value === undefined ? undefined : boundedText(value, maxValueLength)
    if (value !== undefined && valueText === undefined) throw rejection(`the value to check ${beyond(maxValueLength)}`)
    const request = { schema: text, ...(valueText === undefined ? {} : { value: valueText }) }
    return this.#inTurn(source, rejection, async () => {
      const known = this.#unusable.get(key)
      if (known !== undefined) throw rejection(known)
      this.#budgets.check(source)
      const reply = await this.#ask(request)
      this.#budgets.add(source, reply.elapsedMs)
      if (reply.unusable !== undefined) this.#unusable.set(key, reply.unusable)
      const problem = reply.unusable ?? reply.exceeded
      if (problem !== undefined) throw rejection(problem)
      return reply.mismatch
    })
  }

  /**
   * Returns the times of a schedule. The thread evaluates a cron text of a caller. The cost of a search is bounded, so it
   * uses no budget: a source that has used its budget up does not stop its own schedules.
   * @param source the author of the cron text; undefined for the application, whose cron texts are evaluated at once
   * @throws ValidationError `schedule.invalid` for a search that exceeded a limit; the error of `croner`
   */
  async times(source: string | undefined, query: TimesQuery): Promise<DueTimes> {
    if (source === undefined || !('cron' in query.timing)) return scheduleTimes(query)
    const rejection: Rejection = (problem) => failure('schedule.invalid', { what: 'every', problem })
    this.#checkQueue(source, rejection)
    return this.#inTurn(source, rejection, async () => {
      const { times, unusable, exceeded } = await this.#ask({ times: query })
      if (times) return times
      throw unusable === undefined ? rejection(exceeded ?? 'it was not evaluated') : new Error(unusable)
    })
  }

  /** Returns a Standard Schema of a JSON Schema from outside. Its check is asynchronous. */
  schemaOf(source: string, schema: { readonly [key: string]: Json }): Schema {
    const json = () => schema
    return {
      '~standard': {
        version: 1,
        vendor: 'troupe',
        jsonSchema: { input: json, output: json },
        validate: async (value: unknown) => {
          const mismatch = await this.check(source, schema, value as Json)
          return mismatch === undefined ? { value } : { issues: [{ message: mismatch }] }
        },
      },
    } as Schema
  }

  /**
   * Returns a function that does parts of the work of a source on the main thread. Other work runs in between, and the
   * budget of the source pays. The function throws ValidationError `schema.rejected` if the budget is used up.
   */
  chargedWork(source: string): ChargedWork {
    const slice = new TimeSlice(this.#clock)
    return async (part) => {
      if (slice.isOver) await slice.renew()
      this.#budgets.check(source)
      return this.charge(source, part)
    }
  }

  /** Does work of a source at once, also if the budget is used up. */
  charge<Result>(source: string, work: () => Result): Result {
    return this.#budgets.charge(source, work)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) next.end(closed)
    await this.#end()
  }

  #checkQueue(source: string, rejection: Rejection): void {
    const { maxWaiting, maxWaitingOfSource } = this.#limits
    if (this.#waiting.size >= maxWaiting) throw rejection(`${maxWaiting} checks wait already`)
    if (this.#waiting.sizeOf(source) >= maxWaitingOfSource)
      throw rejection(`${maxWaitingOfSource} checks of ${source} wait already`)
  }

  #inTurn<Result>(source: string, rejection: Rejection, evaluate: () => Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push(source, {
        evaluate: () => (this.#isClosed ? Promise.reject(rejection(closed)) : evaluate()).then(resolve, reject),
        end: (problem) => reject(rejection(problem)),
      })
      void this.#work()
    })
  }

  async #work(): Promise<void> {
    if (this.#isWorking) return
    this.#isWorking = true
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) await next.evaluate()
    this.#isWorking = false
    // Only a request in progress keeps the process alive.
    void this.#thread?.then((thread) => thread.unref()).catch(() => {})
  }

  async #ask(request: EvaluatorRequest): Promise<EvaluatorReply> {
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
        void this.#end()
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

  async #end(): Promise<void> {
    const thread = this.#thread
    this.#thread = undefined
    await thread?.then((one) => one.terminate()).catch(() => {})
  }
}

const beyond = (length: number) => `is longer than ${length} characters or has more than 500 levels`
const closed = 'the troupe is closed'
