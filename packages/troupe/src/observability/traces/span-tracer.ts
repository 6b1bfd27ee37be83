/**
 * Converts events into spans and delivers them to the trace store and to exporters. No caller waits for it, and no receiver
 * waits for another one. Spans that arrive faster than a receiver accepts them are dropped for it and counted.
 */

import type { Cancel, Clock, EventContent, Events, TroupeEvent, UserId } from '../../core/index.ts'
import { truncateText } from '../../core/index.ts'
import { inputMessages, outputMessages } from './input-messages.ts'
import type { Span } from './span.ts'
import { spanOfEvent } from './span-of-event.ts'

/** A span with its user; spans without a user are not stored. */
export interface OwnedSpan {
  readonly user: UserId | undefined
  readonly span: Span
}

/** A receiver of spans. A receiver that rejects loses only that batch. */
export interface SpanSink {
  /** True for a receiver outside of the installation: only the close of the tracer waits for it. */
  readonly isRemote?: boolean
  write(spans: readonly OwnedSpan[]): Promise<void>
}

export interface TracerParts {
  readonly clock: Clock
  readonly events: Events
  readonly sinks: readonly SpanSink[]
  /** Includes prompts, answers, arguments and results in spans. */
  readonly content: boolean
  /** Redacts the content. */
  readonly redact?: ((text: string) => string) | undefined
  readonly failed: (error: unknown) => void
}

export interface SpanTracer {
  /** The number of spans that were dropped because too many waited. */
  readonly dropped: number
  /** Delivers the waiting spans, and waits until receivers of the installation have them. */
  flush(): Promise<void>
  forget(user: UserId): void
  close(): Promise<void>
}

const everyMs = 1_000
/** The number of waiting spans from which they are delivered at once. */
const batch = 256
/**
 * The highest number of spans that one receiver has not accepted yet: some bursts of a run with 10,000 branches. A thousand
 * characters of content count as a span, so that an absent receiver costs some 100 MB at most.
 */
const maxWaiting = 50_000
const charactersPerSpan = 1_000
/** The highest number of characters of one content in a span. */
const longestContent = 16_000

export function createTracer({ clock, events, sinks, content, redact, failed }: TracerParts): SpanTracer {
  const queues = sinks.map((sink) => createQueue(sink, failed))
  let waiting: OwnedSpan[] = []
  let timer: Cancel | undefined
  let closed = false
  const deliver = () => {
    timer?.()
    timer = undefined
    const spans = waiting
    waiting = []
    if (spans.length > 0) for (const queue of queues) queue.add(spans)
  }
  let pendingContent: { readonly event: TroupeEvent; readonly content: EventContent } | undefined
  const add = (event: TroupeEvent) => {
    const content = pendingContent?.event === event ? pendingContent.content : undefined
    pendingContent = undefined
    const span = closed ? undefined : spanOfEvent(event)
    if (!span) return
    waiting.push({ user: event.userId, span: content ? withContent(span, content, redact) : span })
    if (waiting.length >= batch) deliver()
    else timer ??= clock.after(everyMs, deliver, { background: true })
  }
  // The content of an event is emitted just before the event.
  const onContent = (event: TroupeEvent, eventContent: EventContent) => {
    pendingContent = { event, content: eventContent }
  }
  const offs = [events.on('*', add), ...(content ? [events.onContent(onContent)] : [])]
  return {
    get dropped() {
      return queues.reduce((sum, { dropped }) => sum + dropped, 0)
    },
    async flush() {
      deliver()
      await Promise.all(queues.filter(({ isRemote }) => !isRemote).map(({ delivered }) => delivered))
    },
    forget(user) {
      waiting = waiting.filter((one) => one.user !== user)
    },
    async close() {
      closed = true
      for (const off of offs) off()
      deliver()
      await Promise.all(queues.map(({ delivered }) => delivered))
    },
  }
}

/** The batches that a receiver has not accepted yet, which it gets one after another. */
function createQueue(sink: SpanSink, failed: (error: unknown) => void) {
  let waiting = 0
  let dropped = 0
  let delivered: Promise<void> = Promise.resolve()
  return {
    isRemote: sink.isRemote === true,
    get dropped() {
      return dropped
    },
    /** Resolves when the receiver has accepted or lost what was added so far. */
    get delivered() {
      return delivered
    },
    add(spans: readonly OwnedSpan[]) {
      const size = spans.reduce((sum, { span }) => sum + sizeOf(span), 0)
      if (waiting + size > maxWaiting) {
        dropped += spans.length
        return
      }
      waiting += size
      delivered = delivered
        .then(() => sink.write(spans))
        .catch(failed)
        .then(() => {
          waiting -= size
        })
    },
  }
}

const contentNames = [
  'gen_ai.input.messages',
  'gen_ai.output.messages',
  'gen_ai.tool.call.arguments',
  'gen_ai.tool.call.result',
]
function sizeOf({ attributes }: Span): number {
  const characters = contentNames.reduce((sum, name) => sum + String(attributes[name] ?? '').length, 0)
  return 1 + Math.floor(characters / charactersPerSpan)
}

function withContent(span: Span, { input, output }: EventContent, redact: (text: string) => string = (text) => text) {
  const { attributes } = span
  const isTool = attributes['gen_ai.operation.name'] === 'execute_tool'
  const text = (value: unknown) => truncateText(redact(JSON.stringify(value) ?? ''), longestContent)
  const [inputName, outputName] = isTool
    ? (['gen_ai.tool.call.arguments', 'gen_ai.tool.call.result'] as const)
    : (['gen_ai.input.messages', 'gen_ai.output.messages'] as const)
  const [finish] = (attributes['gen_ai.response.finish_reasons'] ?? []) as readonly unknown[]
  return {
    ...span,
    attributes: {
      ...attributes,
      ...(input === undefined ? {} : { [inputName]: isTool ? text(input) : inputMessages(input, redact) }),
      ...(output === undefined ? {} : { [outputName]: isTool ? text(output) : outputMessages(output, finish, redact) }),
    },
  }
}
