/**
 * The stream of what happens in a troupe, for observers: never a payload, never awaited, and an observer that throws
 * or dawdles touches nobody. What happens within a span carries its place in the trace, however deep it is told.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { EventName } from './event-names.ts'
import { hashText } from './json.ts'
import type { Json } from './json-value.ts'

export interface TroupeEvent {
  readonly type: EventName
  readonly at: number
  readonly userId?: string
  readonly [field: string]: Json | undefined
}

/** A published name, all that begin alike (`run.*`), or all (`*`). */
export type EventPattern = EventName | `${string}.*` | '*'
export type Observer = (event: TroupeEvent) => unknown

/** Where something happens: the fields that every event within it carries too, and every line of the log. */
export interface Surroundings {
  readonly userId?: string
  /** Of the HTTP request that began it, as `x-request-id` names it. */
  readonly requestId?: string
  readonly runId?: string
  /** The journal of the step. */
  readonly stepId?: string
  readonly agent?: string
  /** Of W3C Trace Context: 32 and 16 hexadecimal digits. */
  readonly trace?: string
  readonly span?: string
  readonly parent?: string
}

/** What was said and given: told to those alone who asked for content. */
export interface EventContent {
  readonly input?: unknown
  readonly output?: unknown
  /** As it was thrown, with its stack. */
  readonly error?: unknown
}
/** Told just before the observers of its event; must not throw. */
export type ContentObserver = (event: TroupeEvent, content: EventContent) => void

export interface Events {
  /** @param content asked for only where somebody listens to content */
  emit(event: TroupeEvent, content?: () => EventContent): void
  /** @returns a function that ends the observation */
  on(pattern: EventPattern, observer: Observer): () => void
  onContent(observer: ContentObserver): () => void
  /** What is told while `run` works, or by what it has begun, carries these fields, and those around it. */
  within<Out>(surroundings: Surroundings, run: () => Out): Out
  /** The same in a span of its own, below the one around it; without a trace around it, there is none. */
  spanned<Out>(run: () => Out): Out
  surroundings(): Surroundings | undefined
}

const matches = (pattern: EventPattern, type: string) =>
  pattern === '*' || pattern === type || (pattern.endsWith('.*') && type.startsWith(pattern.slice(0, -1)))

/** What says its own place keeps it; what a timer or a loop tells of another user has none here. */
const placed = (event: TroupeEvent, store: Surroundings | undefined): TroupeEvent =>
  store && event.trace === undefined && event.userId === store.userId ? { ...store, ...event } : event

/** Calls of one asynchronous observer that have not ended; beyond it, events pass it by until some have. */
const mostPending = 10_000
/** Types of which is remembered whom they are told to. */
const mostTypes = 1_000

interface Entry {
  readonly pattern: EventPattern
  readonly observer: Observer
  pending: number
}

export interface EventsOptions {
  /** Tells the spans of this process from those of others. */
  readonly node?: string
  /** Lets others know where the work stands, who keep account of that too. */
  readonly enter?: <Out>(surroundings: Surroundings, run: () => Out) => Out
}

/** @param onFailure is told what an observer threw; it must not throw itself */
export function createEvents(
  onFailure: (error: unknown, event: TroupeEvent) => void,
  { node = '', enter = (_, run) => run() }: EventsOptions = {},
): Events {
  const observers = new Set<Entry>()
  /** By the type of event, whom it is told to. */
  const told = new Map<EventName, readonly Entry[]>()
  const toldOf = (type: EventName) => {
    const known = told.get(type)
    if (known) return known
    const found = [...observers].filter(({ pattern }) => matches(pattern, type))
    // A host may emit under names of its own.
    if (told.size < mostTypes) told.set(type, found)
    return found
  }
  const contentObservers = new Set<ContentObserver>()
  const around = new AsyncLocalStorage<Surroundings>()
  // Spans are numbered from a place of this process's own: a hash for each costs more than all else of it.
  let lastSpan = BigInt(`0x${hashText(`spans ${node}`).slice(0, 16)}`)
  const tell = (entry: Entry, event: TroupeEvent) => {
    try {
      const returned = entry.observer(event)
      if (typeof (returned as { then?: unknown } | undefined)?.then !== 'function') return
      entry.pending++
      Promise.resolve(returned)
        .catch((error: unknown) => onFailure(error, event))
        .finally(() => entry.pending--)
    } catch (error) {
      onFailure(error, event)
    }
  }
  const within: Events['within'] = (surroundings, run) => {
    const all = { ...around.getStore(), ...surroundings }
    return around.run(all, () => enter(all, run))
  }
  return {
    emit(bare, content) {
      if (observers.size === 0) return
      // All see the same one: none may change it for the others.
      const event = Object.freeze(placed(bare, around.getStore()))
      if (content) for (const observer of contentObservers) observer(event, content())
      // One that an observer of this very event has let go hears of it no more.
      for (const entry of toldOf(event.type))
        if (entry.pending < mostPending && observers.has(entry)) tell(entry, event)
    },
    on(pattern, observer) {
      const entry = { pattern, observer, pending: 0 }
      observers.add(entry)
      told.clear()
      return () => {
        observers.delete(entry)
        told.clear()
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
    surroundings: () => around.getStore(),
  }
}
