/** Removes secrets from the events that observers of the application get. */
import { isObject, type TroupeEvent } from '../../core/index.ts'

/** @returns the event itself if none of its texts has a secret */
export const redactEvent = (event: TroupeEvent, redact: (text: string) => string): TroupeEvent =>
  hasSecret(event, redact) ? Object.freeze(replaced(event, redact) as TroupeEvent) : event

const hasSecret = (value: unknown, redact: (text: string) => string): boolean =>
  typeof value === 'string'
    ? redact(value) !== value
    : typeof value === 'object' && value !== null && Object.values(value).some((inner) => hasSecret(inner, redact))

function replaced(value: unknown, redact: (text: string) => string): unknown {
  if (typeof value === 'string') return redact(value)
  if (Array.isArray(value)) return value.map((inner) => replaced(inner, redact))
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, replaced(inner, redact)]))
}
