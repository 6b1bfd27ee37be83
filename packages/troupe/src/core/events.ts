/**
 * The stream of what happens in a troupe, for observers: never a payload, never awaited, and an observer that throws
 * or dawdles touches nobody.
 */
import type { EventName } from './event-names.ts'
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

export interface Events {
  emit(event: TroupeEvent): void
  /** @returns a function that ends the observation */
  on(pattern: EventPattern, observer: Observer): () => void
}

const matches = (pattern: EventPattern, type: string) =>
  pattern === '*' || pattern === type || (pattern.endsWith('.*') && type.startsWith(pattern.slice(0, -1)))

/** @param onFailure is told what an observer threw; it must not throw itself */
export function createEvents(onFailure: (error: unknown, event: TroupeEvent) => void): Events {
  const observers = new Set<{ readonly pattern: EventPattern; readonly observer: Observer }>()
  return {
    emit(event) {
      for (const { pattern, observer } of observers) {
        if (!matches(pattern, event.type)) continue
        try {
          const returned = observer(event)
          if (returned instanceof Promise) returned.catch((error: unknown) => onFailure(error, event))
        } catch (error) {
          onFailure(error, event)
        }
      }
    },
    on(pattern, observer) {
      const entry = { pattern, observer }
      observers.add(entry)
      return () => void observers.delete(entry)
    },
  }
}
