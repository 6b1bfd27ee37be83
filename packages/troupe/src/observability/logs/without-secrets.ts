/**
 * Takes the values out of fields under whose names secrets travel. By hand, for every line pays for it: pino's own paths with
 * wildcards took most of the time of a line.
 */
import { redacted } from '../../core/index.ts'

const secretFields = new Set(['password', 'secret', 'token', 'apiKey', 'api_key', 'authorization', 'cookie'])
/** A field of the line, of an object in it, and of an object in that. */
const levels = 3

/** The same object where it has none; else a copy of what leads to them. */
export function withoutSecrets<Of extends object>(fields: Of, deep = levels): Of {
  let copy: Record<string, unknown> | undefined
  for (const name of Object.keys(fields)) {
    const value = (fields as Record<string, unknown>)[name]
    const clean = cleanOf(name, value, deep)
    if (clean === value) continue
    copy ??= (Array.isArray(fields) ? [...fields] : { ...fields }) as Record<string, unknown>
    copy[name] = clean
  }
  return (copy as Of | undefined) ?? fields
}

function cleanOf(name: string, value: unknown, deep: number): unknown {
  if (secretFields.has(name)) return value === undefined ? undefined : redacted
  return deep > 1 && typeof value === 'object' && value !== null ? withoutSecrets(value, deep - 1) : value
}
