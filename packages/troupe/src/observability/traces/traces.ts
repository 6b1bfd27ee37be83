/** The traces of one user: stored traces, and spans of the application. */
import {
  type Clock,
  checkFunction,
  checkOptions,
  checkText,
  type Events,
  eventContextBelow,
  hashText,
  type Ids,
  invalidInput,
  type Json,
  type TraceContext,
  type UserId,
} from '../../core/index.ts'
import { parseTraceparent } from './parse-traceparent.ts'
import type { RecordedTrace } from './span.ts'
import type { TraceStore, TraceSummary } from './trace-store.ts'

export interface TracesParts {
  readonly clock: Clock
  readonly events: Events
  readonly ids: Ids
  /** Absent if no traces are stored. */
  readonly store: TraceStore | undefined
  readonly flush: () => Promise<void>
  /** Returns the trace of a run and, if the trace began above the run, the span of the run. */
  readonly ofRun: (run: string) => Promise<{ readonly traceId: string; readonly top?: string }>
}

/** Options of a span of the application. */
export interface OwnSpanOptions {
  /** Continues the trace of a caller: the traceparent header of W3C Trace Context. */
  readonly traceparent?: string
  /** The attributes of the span; none by default. */
  readonly attributes?: { readonly [name: string]: Json }
}

/** The traces of one user: the stored ones, and spans of the application. */
export class Traces {
  readonly #parts: TracesParts
  readonly #user: UserId

  constructor(parts: TracesParts, user: UserId) {
    this.#parts = parts
    this.#user = user
  }

  /**
   * Returns the tree of a trace, with durations, tokens and cost.
   * @param id the id of a run, for the run and all below it; or a trace id of 32 hexadecimal digits, for the complete trace
   * @returns undefined if the trace is not stored
   * @throws ValidationError if traces are not stored
   * @example const trace = await ada.traces.get(run.id)
   */
  async get(id: string): Promise<RecordedTrace | undefined> {
    checkText('traces.get', id)
    const store = this.#store()
    await this.#parts.flush()
    const { traceId, top } = await this.#parts.ofRun(id)
    const ofRun = await store.get(this.#user, traceId, top)
    return ofRun ?? (/^[0-9a-f]{32}$/.test(id) ? store.get(this.#user, id) : undefined)
  }

  /** Lists traces, the newest first. @param options.limit 1 to 1,000; 100 by default */
  async list(
    options: {
      /** 1 to 1,000 traces; 100 by default. */
      readonly limit?: number
    } = {},
  ): Promise<readonly TraceSummary[]> {
    checkOptions('traces.list', options, ['limit'])
    const { limit = 100 } = options
    if (!Number.isInteger(limit) || limit < 1 || limit > 1_000)
      throw invalidInput('The limit', 'it must be a whole number from 1 to 1,000')
    const store = this.#store()
    await this.#parts.flush()
    return store.list(this.#user, limit)
  }

  /**
   * Executes a function in a span of the application: below the surrounding span, a span of OpenTelemetry, or that of a caller;
   * otherwise in a new trace. Runs, calls of sessions, messages and own spans that the function starts are below it.
   * @throws the error of `run`; ValidationError for an invalid traceparent
   * @example await ada.traces.span('import', () => importOrders(), { attributes: { 'orders.source': 'shop' } })
   */
  async span<Out>(name: string, run: () => Promise<Out> | Out, options: OwnSpanOptions = {}): Promise<Out> {
    checkOptions('traces.span', options, ['traceparent', 'attributes'])
    checkText('The name of a span', name)
    checkFunction(`The function of the span ${name}`, run)
    const { clock, events, ids } = this.#parts
    const above = this.#above(options.traceparent)
    const trace = above?.traceId ?? hashText(ids.next()).slice(0, 32)
    const around = { userId: this.#user, trace, ...eventContextBelow(above) }
    return events.within(around, () =>
      events.spanned(async () => {
        const began = clock.monotonic()
        let code: string | undefined
        try {
          return await run()
        } catch (error) {
          code = String((error as { readonly code?: unknown })?.code ?? (error as Error)?.name)
          throw error
        } finally {
          events.emit({
            type: 'span.ended',
            at: clock.now(),
            userId: this.#user,
            name,
            success: code === undefined,
            durationMs: clock.monotonic() - began,
            ...(code === undefined ? {} : { code }),
            ...(options.attributes ? { attributes: options.attributes } : {}),
          })
        }
      }),
    )
  }

  /** Returns the traceparent of the surrounding span, for a header; undefined outside of spans. */
  traceparent(): string | undefined {
    const { trace, span, isSampled } = this.#parts.events.eventContext() ?? {}
    const flags = isSampled === false ? '00' : '01'
    return trace === undefined || span === undefined ? undefined : `00-${trace}-${span}-${flags}`
  }

  #above(traceparent: string | undefined): TraceContext | undefined {
    if (traceparent === undefined) return this.#parts.events.surroundingSpan(this.#user)
    const found = parseTraceparent(checkText('traceparent', traceparent))
    if (found) return found
    throw invalidInput('traceparent', 'it is not a header of W3C Trace Context')
  }

  #store(): TraceStore {
    const { store } = this.#parts
    if (store) return store
    throw invalidInput('traces', 'they are not stored here: traces.store is false')
  }
}
