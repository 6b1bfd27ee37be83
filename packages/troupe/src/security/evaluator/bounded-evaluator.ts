/**
 * Evaluates JSON Schemas of others, and with them regular expressions: those of callers and of servers of tools. Also
 * searches for the times of cron texts of callers, and matches their patterns of keys. The author of an expression decides
 * how long it takes, so nothing of it is compiled or tried on the main thread. One thread evaluates one request at a time,
 * the sources in turns, with a deadline and a memory limit; it is ended and replaced if it exceeds either. Each source has
 * a budget of time for schemas: a source that used it up is rejected until the minute is over.
 */
import {
  type Clock,
  failure,
  hashText,
  type Json,
  lruCache,
  type Schema,
  TimeSlice,
  type TroupeError,
} from '../../core/index.ts'
import { boundedText } from './bounded-text.ts'
import { EvaluatorWorker } from './evaluator-worker.ts'
import { FairQueue } from './fair-queue.ts'
import { MatchBatches } from './match-batches.ts'
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
  readonly #unusable = lruCache<string>(maxUnusable)
  readonly #budgets: SourceBudgets
  readonly #texts: SchemaTexts
  readonly #thread: EvaluatorWorker
  readonly #matches = new MatchBatches((source, begin) =>
    this.#inTurn(source, unmatched, async () => this.#thread.ask({ matches: await begin() })),
  )
  #isWorking = false
  #isClosed = false

  constructor({ clock }: { readonly clock: Clock }, limits: Partial<EvaluatorLimits> = {}) {
    this.#clock = clock
    this.#limits = { ...defaults, ...limits }
    this.#thread = new EvaluatorWorker(this.#limits)
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
      const reply = await this.#thread.ask(request)
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
      const { times, unusable, exceeded } = await this.#thread.ask({ times: query })
      if (times) return times
      throw unusable === undefined ? rejection(exceeded ?? 'it was not evaluated') : new Error(unusable)
    })
  }

  /**
   * Returns the keys that match a pattern of a caller. Requests of a source that wait share a turn of the thread: a change
   * wakes many watches at once. The cost of a match is bounded, so it uses no budget, and a list or watch waits for one
   * request at a time, so none is rejected because others wait.
   * @param keys 500 at most
   * @throws CapacityError `capacity.exceeded` if the thread ended; CancelledError `troupe.closed`
   */
  async matching(source: string, pattern: string, keys: readonly string[]): Promise<readonly string[]> {
    const { reply, index } = this.#matches.add(source, { pattern, keys })
    const { matches, exceeded } = await reply
    const matched = matches?.[index]
    if (!matched) throw unmatched(exceeded ?? 'it was not evaluated')
    return keys.filter((_, i) => matched[i])
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
    await this.#thread.end()
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
    this.#thread.release()
  }
}

const beyond = (length: number) => `is longer than ${length} characters or has more than 500 levels`
const closed = 'the troupe is closed'
const unmatched: Rejection = (problem) =>
  problem === closed
    ? failure('troupe.closed', { what: 'Matching keys' })
    : failure('capacity.exceeded', { problem: `the keys of a pattern were not matched: ${problem}` })
