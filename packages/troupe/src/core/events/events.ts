/**
 * The events of a troupe, for observers. Events have no content and are not awaited. An observer that throws or is slow
 * affects no operation. An event within a span carries the ids of the span and its trace.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { hashText } from '../json/canonical-json.ts'
import type { Json } from '../values/json-value.ts'
import type { TraceContext, UserId } from './envelope.ts'
import type { EventName, EventPayloads } from './event-payloads.ts'

/** The context of an event: fields that each event and log line within it carries. */
export type EventContext = {
  /** The user whose work it is; absent for events of the whole process. */
  readonly userId?: string
  /** The id of the HTTP request that caused it, from `x-request-id`. */
  readonly requestId?: string
  /** The id of the run. */
  readonly runId?: string
  /** The journal of the step. */
  readonly stepId?: string
  /** The name of the agent. */
  readonly agent?: string
  /** The thread of the session whose step it is. */
  readonly threadId?: string
  /** The trace id: 32 hexadecimal digits, as in W3C Trace Context. */
  readonly trace?: string
  /** The span id: 16 hexadecimal digits. */
  readonly span?: string
  /** The id of the parent span. */
  readonly parent?: string
  /** False if the caller of the trace does not record it; absent otherwise. */
  readonly isSampled?: false
}

/** `run` for `run.started`; `context` and `context.cleanup` for `context.cleanup.failed`. */
type PrefixOf<Name extends string> = Name extends `${infer Head}.${infer Tail}`
  ? Head | `${Head}.${PrefixOf<Tail>}`
  : never

/** The name of an event, a prefix (`run.*`), or every event (`*`). */
export type EventPattern = EventName | `${PrefixOf<EventName>}.*` | '*'

/** The names of the events that a pattern matches. */
export type MatchedName<Pattern extends EventPattern> = Pattern extends '*'
  ? EventName
  : Pattern extends `${infer Prefix}.*`
    ? Extract<EventName, `${Prefix}.${string}`>
    : Extract<EventName, Pattern>

type EventOf<Name extends EventName> = Name extends EventName
  ? {
      /** The name of the event. */
      readonly type: Name
      /** The time of the event, in ms since 1970. */
      readonly at: number
    } & EventContext &
      EventPayloads[Name]
  : never

/**
 * An event: `TroupeEvent<'tool.called'>`, one of several (`TroupeEvent<'run.*'>`), or any. `type` tells them apart.
 * @example troupe.on('tool.called', ({ tool, durationMs }) => console.log(tool, durationMs))
 */
export type TroupeEvent<Pattern extends EventPattern = '*'> = EventOf<MatchedName<Pattern>>

/** Any event as a record of fields, for code that treats all events alike; every event is assignable to it. */
export type EventFields = {
  readonly type: EventName
  readonly at: number
  readonly userId?: string
  readonly [field: string]: Json | undefined
}

/** Called with each event of its pattern. A returned promise is not awaited, and a rejection is logged. */
export type Observer<Pattern extends EventPattern = '*'> = (event: TroupeEvent<Pattern>) => unknown

/** Inputs and outputs, passed only to observers of content. */
export interface EventContent {
  readonly input?: unknown
  readonly output?: unknown
  /** As it was thrown, with its stack. */
  readonly error?: unknown
}
/** Called just before the observers of its event; must not throw. */
export type ContentObserver = (event: TroupeEvent, content: EventContent) => void

export interface Events {
  /** @param content called only if there is an observer of content */
  emit(event: TroupeEvent, content?: () => EventContent): void
  /** @returns a function that ends the observation */
  on<Pattern extends EventPattern>(pattern: Pattern, observer: Observer<Pattern>): () => void
  onContent(observer: ContentObserver): () => void
  /** Events during `run`, and of work that it starts, carry these fields and those of the enclosing context. */
  within<Out>(context: EventContext, run: () => Out): Out
  /** The same in a child span of the current span; without a current trace there is no span. */
  spanned<Out>(run: () => Out): Out
  eventContext(): EventContext | undefined
  /**
   * Returns the span below which new work of the user belongs: the current one, or that of another tracing library. The span
   * of another user does not count, because a trace belongs to one user.
   */
  surroundingSpan(user: UserId): TraceContext | undefined
}

const matches = (pattern: EventPattern, type: string) =>
  pattern === '*' || pattern === type || (pattern.endsWith('.*') && type.startsWith(pattern.slice(0, -1)))

/** Fields that the event sets take precedence. An event of a timer or loop about another user has no context here. */
const withEventContext = (event: TroupeEvent, store: EventContext | undefined): TroupeEvent =>
  store && event.trace === undefined && event.userId === store.userId ? { ...store, ...event } : event

/** The maximal number of pending calls of an asynchronous observer. Beyond it, events are skipped for this observer. */
const maxPending = 10_000

interface Entry {
  readonly pattern: EventPattern
  /** Called with events that the pattern matches. */
  readonly observer: (event: never) => unknown
  pending: number
}

export interface EventsOptions {
  /** Distinguishes the spans of this process from those of other processes. */
  readonly processId?: string
  /** Gives the current context to other libraries that track it. */
  readonly runInContext?: <Out>(context: EventContext, run: () => Out) => Out
  /** Returns the current span of another library that tracks it. */
  readonly activeSpan?: () => TraceContext | undefined
}

/** Returns what a context inherits. Another step has its own thread, and another trace its own sampling. */
function outsideOf({ trace, stepId }: EventContext, outer: EventContext | undefined): EventContext | undefined {
  const isOtherStep = stepId !== undefined && stepId !== outer?.stepId && outer?.threadId !== undefined
  const isOtherTrace = trace !== undefined && trace !== outer?.trace && outer?.isSampled !== undefined
  if (!outer || !(isOtherStep || isOtherTrace)) return outer
  const { threadId, isSampled, ...others } = outer
  return {
    ...others,
    ...(isOtherStep || threadId === undefined ? {} : { threadId }),
    ...(isOtherTrace || isSampled === undefined ? {} : { isSampled }),
  }
}

/** @param onFailure called with the error of an observer; must not throw */
export function createEvents(
  onFailure: (error: unknown, event: TroupeEvent) => void,
  { processId = '', runInContext = (_, run) => run(), activeSpan = () => undefined }: EventsOptions = {},
): Events {
  const observers = new Set<Entry>()
  /** The observers by event type. */
  const entriesByType = new Map<EventName, readonly Entry[]>()
  const entriesOf = (type: EventName) => {
    const known = entriesByType.get(type)
    if (known) return known
    const found = [...observers].filter(({ pattern }) => matches(pattern, type))
    entriesByType.set(type, found)
    return found
  }
  const contentObservers = new Set<ContentObserver>()
  const around = new AsyncLocalStorage<EventContext>()
  // Span ids are counted from a start that the process id gives, since a hash per span would cost more than all other work.
  let lastSpan = BigInt(`0x${hashText(`spans ${processId}`).slice(0, 16)}`)
  const deliver = (entry: Entry, event: TroupeEvent) => {
    try {
      const returned = entry.observer(event as never)
      if (typeof (returned as { then?: unknown } | undefined)?.then !== 'function') return
      entry.pending++
      Promise.resolve(returned)
        .catch((error: unknown) => onFailure(error, event))
        .finally(() => entry.pending--)
    } catch (error) {
      onFailure(error, event)
    }
  }
  const within: Events['within'] = (context, run) => {
    const all = { ...outsideOf(context, around.getStore()), ...context }
    return around.run(all, () => runInContext(all, run))
  }
  return {
    emit(bare, content) {
      if (observers.size === 0) return
      // All observers get the same object, so it is frozen.
      const event = Object.freeze(withEventContext(bare, around.getStore()))
      if (content) for (const observer of contentObservers) observer(event, content())
      // An observer that was removed during this event is not called for it.
      for (const entry of entriesOf(event.type))
        if (entry.pending < maxPending && observers.has(entry)) deliver(entry, event)
    },
    on(pattern, observer) {
      const entry: Entry = { pattern, observer, pending: 0 }
      observers.add(entry)
      entriesByType.clear()
      return () => {
        observers.delete(entry)
        entriesByType.clear()
      }
    },
    onContent(observer) {
      contentObservers.add(observer)
      return () => void contentObservers.delete(observer)
    },
    within,
    spanned(run) {
      const { trace, span } = around.getStore() ?? {}
      if (trace === undefined) return run()
      lastSpan = BigInt.asUintN(64, lastSpan + 1n)
      const own = lastSpan.toString(16).padStart(16, '0')
      return within({ span: own, ...(span === undefined ? {} : { parent: span }) }, run)
    },
    eventContext: () => around.getStore(),
    surroundingSpan(user) {
      const { userId, trace, span, isSampled } = around.getStore() ?? {}
      if (trace !== undefined && span !== undefined && userId === user)
        return { traceId: trace, spanId: span, ...(isSampled === false ? { isSampled } : {}) }
      const active = activeSpan()
      return active?.spanId === span ? undefined : active
    },
  }
}
