/**
 * Removes the values of fields whose names are those of secrets. Not done by pino's paths with wildcards, because they took most of
 * the time of a line.
 */
import { redacted } from '../../core/index.ts'

/** However it is spelt: as a header, a variable, a field. */
const secretField = /^(?:password|secret|token|api[-_]?key|authorization|(?:set-)?cookie)$/i

const circular = '[Circular]'
/** The result for each visited object; for one in progress, the text that replaces it where it occurs again. */
type Seen = Map<object, unknown>

/** Returns the same object if it has no secrets at any depth; otherwise a copy of the path to them. */
export function redactSecretFields<Of extends object>(fields: Of, seen: Seen = new Map()): Of {
  seen.set(fields, circular)
  let copy: Record<string, unknown> | undefined
  for (const name of Object.keys(fields)) {
    const value = (fields as Record<string, unknown>)[name]
    const clean = cleanOf(name, value, seen)
    if (clean === value) continue
    copy ??= (Array.isArray(fields) ? [...fields] : { ...fields }) as Record<string, unknown>
    copy[name] = clean
  }
  const made = (copy as Of | undefined) ?? fields
  seen.set(fields, made)
  return made
}

function cleanOf(name: string, value: unknown, seen: Seen): unknown {
  if (secretField.test(name)) return value === undefined ? undefined : redacted
  // Bytes have no fields, but one key for each byte.
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value
  return seen.get(value) ?? redactSecretFields(value, seen)
}
