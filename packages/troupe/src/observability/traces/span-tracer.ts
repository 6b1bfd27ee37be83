/**
 * Converts events into spans and delivers them to the trace store and to exporters. No caller waits for it; spans that arrive faster
 * than they are delivered are dropped and counted.
 */

import type { Cancel, Clock, EventContent, Events, TroupeEvent, UserId } from '../../core/index.ts'
import { truncateText } from '../../core/index.ts'
import type { Span } from './span.ts'
import { spanOfEvent } from './span-of-event.ts'

/** A span with its user; spans without a user are not stored. */
export interface OwnedSpan {
  readonly user: UserId | undefined
  readonly span: Span
}

/** A receiver of spans. A receiver that rejects loses only that batch. */
export interface SpanSink {
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
  /** Delivers the waiting spans and waits for the delivery. */
  flush(): Promise<void>
  forget(user: UserId): void
  close(): Promise<void>
}

const everyMs = 1_000
/** The number of waiting spans from which they are delivered at once. */
const batch = 256
const maxWaiting = 10_000
/** The highest number of characters of one content in a span. */
const longestContent = 16_000

export function createTracer({ clock, events, sinks, content, redact, failed }: TracerParts): SpanTracer {
  let waiting: OwnedSpan[] = []
  let dropped = 0
  let timer: Cancel | undefined
  let closed = false
  let writing: Promise<void> = Promise.resolve()
  const writeAll = async (spans: readonly OwnedSpan[]) => {
    for (const result of await Promise.allSettled(sinks.map((sink) => sink.write(spans))))
      if (result.status === 'rejected') failed(result.reason)
  }
  const flush = () => {
    timer?.()
    timer = undefined
    const spans = waiting
    waiting = []
    if (spans.length > 0) writing = writing.then(() => writeAll(spans))
    return writing
  }
  let pendingContent: { readonly event: TroupeEvent; readonly content: EventContent } | undefined
  const add = (event: TroupeEvent) => {
    const content = pendingContent?.event === event ? pendingContent.content : undefined
    pendingContent = undefined
    const span = closed ? undefined : spanOfEvent(event)
    if (!span) return
    if (waiting.length >= maxWaiting) {
      dropped++
      return
    }
    waiting.push({ user: event.userId, span: content ? withContent(span, content, redact) : span })
    if (waiting.length >= batch) void flush()
    else timer ??= clock.after(everyMs, () => void flush(), { background: true })
  }
  // The content of an event is emitted just before the event.
  const onContent = (event: TroupeEvent, eventContent: EventContent) => {
    pendingContent = { event, content: eventContent }
  }
  const offs = [events.on('*', add), ...(content ? [events.onContent(onContent)] : [])]
  return {
    get dropped() {
      return dropped
    },
    flush,
    forget(user) {
      waiting = waiting.filter((one) => one.user !== user)
    },
    async close() {
      closed = true
      for (const off of offs) off()
      await flush()
    },
  }
}

function withContent(span: Span, { input, output }: EventContent, redact: (text: string) => string = (text) => text) {
  const tool = span.attributes['gen_ai.operation.name'] === 'execute_tool'
  const text = (value: unknown) => truncateText(redact(JSON.stringify(value) ?? ''), longestContent)
  const names = tool
    ? (['gen_ai.tool.call.arguments', 'gen_ai.tool.call.result'] as const)
    : (['gen_ai.input.messages', 'gen_ai.output.messages'] as const)
  return {
    ...span,
    attributes: {
      ...span.attributes,
      ...(input === undefined ? {} : { [names[0]]: text(input) }),
      ...(output === undefined ? {} : { [names[1]]: text(output) }),
    },
  }
}
