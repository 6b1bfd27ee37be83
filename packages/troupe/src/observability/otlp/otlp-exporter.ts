/** Sends ended spans and periodic metrics to a collector. Failed sends are retried, then dropped and reported. */
import {
  type Clock,
  checkOptions,
  type Duration,
  type FetchPort,
  failure,
  fieldOf,
  invalidInput,
  isObject,
  type Json,
  milliseconds,
  PeriodicTask,
  type Random,
  truncateText,
} from '../../core/index.ts'
import { isTransient, retry, timeout, wrap } from '../../resilience/index.ts'
import type { MetricsCollector } from '../metrics/index.ts'
import { type OwnedSpan, runUntraced, type Span, type SpanSink } from '../traces/index.ts'
import { encodeMetrics, encodeSpans, type OtlpResource } from './encode-otlp.ts'

/**
 * The option `otlp` of `createTroupe`: a collector of OpenTelemetry, to which spans and metrics are sent by OTLP over
 * HTTP.
 */
export interface OtlpConfig {
  /** The address of the collector without a path: `http://localhost:4318`. */
  readonly url: string
  /** Headers of each request, such as an API key; none by default. */
  readonly headers?: Readonly<Record<string, string>>
  /** The resource attributes, such as `service.name`; `troupe` by default. */
  readonly resource?: Readonly<Record<string, string>>
  /** The interval of sending metrics; 60 s by default. */
  readonly every?: Duration
}

export interface OtlpParts {
  readonly clock: Clock
  readonly random: Random
  readonly fetch: FetchPort
  readonly metrics: MetricsCollector
  readonly failed: (error: unknown) => void
}

/** @throws ValidationError for an unknown option or an invalid address */
export function checkOtlp(config: OtlpConfig): OtlpConfig {
  checkOptions('otlp', config, ['url', 'headers', 'resource', 'every'])
  if (!URL.canParse(config.url) || !/^https?:$/.test(new URL(config.url).protocol))
    throw invalidInput('otlp.url', 'it is not an address of http or https')
  for (const name of ['headers', 'resource'] as const) {
    const value: unknown = config[name]
    if (value !== undefined && !(isObject(value) && Object.values(value).every((value) => typeof value === 'string')))
      throw invalidInput(`otlp.${name}`, 'it must be an object of texts')
  }
  if (config.every !== undefined && milliseconds(config.every, 'otlp.every') < 1_000)
    throw invalidInput('otlp.every', 'it must be at least 1s')
  return config
}

const sendingMs = 10_000
/** The time limit in ms of the last send: a process that gets SIGTERM is killed soon after. */
const lastMs = 5_000

/** The highest number of open spans; beyond it the oldest are sent from their end alone. */
const maxOpenSpans = 10_000

export class OtlpExporter implements SpanSink {
  readonly isRemote = true
  readonly #config: OtlpConfig
  readonly #parts: OtlpParts
  readonly #resource: OtlpResource
  readonly #startedAt: number
  /** The open spans, in the order of their start. */
  readonly #begun = new Map<string, Span>()
  readonly #task: PeriodicTask
  readonly #hurry = new AbortController()
  /** ms of the monotonic clock. */
  #until = Number.POSITIVE_INFINITY

  constructor(config: OtlpConfig, parts: OtlpParts) {
    this.#config = config
    this.#parts = parts
    this.#resource = { 'service.name': 'troupe', ...config.resource }
    this.#startedAt = parts.clock.now()
    const { clock, failed } = parts
    const intervalMs = milliseconds(config.every ?? '60s', 'otlp.every')
    this.#task = new PeriodicTask({ name: 'metrics', clock, intervalMs, run: () => this.sendMetrics(), failed })
  }

  start(): void {
    this.#task.start()
  }

  async write(spans: readonly OwnedSpan[]): Promise<void> {
    const ended = spans.flatMap(({ span }) => (span.isSampled === false ? [] : (this.#completeSpan(span) ?? [])))
    if (ended.length > 0) await this.#post('/v1/traces', encodeSpans(this.#resource, ended))
  }

  /** A collector accepts a span once and complete, so its start and parent are stored until its end. */
  #completeSpan(span: Span): Span | undefined {
    const id = `${span.traceId} ${span.id}`
    const begun = this.#begun.get(id)
    if (span.endedAt === undefined) {
      if (!begun) this.#begun.set(id, span)
      if (this.#begun.size > maxOpenSpans) this.#begun.delete(this.#begun.keys().next().value as string)
      return undefined
    }
    this.#begun.delete(id)
    if (!begun) return span
    return {
      ...begun,
      ...span,
      startedAt: Math.min(begun.startedAt, span.startedAt),
      attributes: { ...begun.attributes, ...span.attributes },
    }
  }

  async sendMetrics(): Promise<void> {
    const { metrics, clock } = this.#parts
    const reading = { startedAt: this.#startedAt, at: clock.now(), metrics: metrics.metrics() }
    await this.#post('/v1/metrics', encodeMetrics(this.#resource, { ...reading, gauges: await metrics.readGauges() }))
  }

  /** From now on, failed and slow sends are dropped: the close does not wait for an absent collector. */
  hurry(): void {
    this.#task.stop()
    if (!this.#hurry.signal.aborted) this.#until = this.#parts.clock.monotonic() + lastMs
    this.#hurry.abort()
  }

  /** Sends the metrics once more. */
  async close(): Promise<void> {
    this.hurry()
    await this.#task.close()
    await this.sendMetrics().catch(this.#parts.failed)
  }

  async #post(path: string, body: Json): Promise<void> {
    const { clock, random, fetch } = this.#parts
    const { url, headers } = this.#config
    const what = 'Sending to the collector of OpenTelemetry'
    const remainingMs = Math.max(1, Math.ceil(Math.min(sendingMs, this.#until - clock.monotonic())))
    const once = timeout({ clock, limit: `${remainingMs}ms`, what })
    const { signal: hurried } = this.#hurry
    const careful = hurried.aborted ? once : wrap(retry({ attempts: 3, clock, random, when: isTransient }), once)
    const call = hurried.aborted ? {} : { signal: hurried }
    const { status, problem } = await careful.execute(async ({ signal }) => {
      const request = {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
        ...(signal ? { signal } : {}),
      }
      const answer = await runUntraced(() => fetch(url.replace(/\/$/, '') + path, request))
      const text = await answer.text()
      if (!answer.ok) throw failure('sending.rejected', { status: answer.status, problem: truncateText(text, 200) })
      return { status: answer.status, problem: partialRejection(text) }
    }, call)
    // Not retried: the collector has accepted the rest.
    if (problem !== undefined) throw failure('sending.rejected', { status, problem })
  }
}

/** Returns what a collector that answers with status 200 has not accepted; undefined if it has accepted everything. */
function partialRejection(text: string): string | undefined {
  let partial: unknown
  try {
    partial = fieldOf(JSON.parse(text), 'partialSuccess')
  } catch {
    return undefined
  }
  // 64-bit integers are texts in JSON.
  const rejected = ['rejectedSpans', 'rejectedDataPoints'].reduce(
    (sum, name) => sum + Number(fieldOf(partial, name) ?? 0),
    0,
  )
  if (!(rejected > 0)) return undefined
  return `it has not accepted ${rejected} of them: ${truncateText(String(fieldOf(partial, 'errorMessage') ?? ''), 200)}`
}
