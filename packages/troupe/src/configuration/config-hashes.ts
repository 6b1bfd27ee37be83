/** The part of a configuration whose change the audit log records: rights and retention. */
import { hashText, isObject, isPlainObject, type Redactor } from '../core/index.ts'
import type { TroupeConfig } from './troupe-config.ts'

const watched = [
  'profile',
  'requireUserId',
  'roles',
  'policy',
  'egress',
  'encryption',
  'audit',
  'messaging',
  'secrets',
  'retention',
  'policies',
  'models',
  'alerts',
  'otlp',
  'restored',
  'debug',
] as const satisfies readonly (keyof TroupeConfig)[]

/** Returns hashes by the names of the options. A replaced secret changes none of them, and none contains one. */
export function configHashes(config: TroupeConfig, redactor: Pick<Redactor, 'redact'>): ReadonlyMap<string, string> {
  return new Map(watched.map((name) => [name, hashText(redactor.redact(textOf(config[name])))]))
}

const readable: ReadonlySet<string> = new Set(['string', 'number', 'boolean'])
const keyNames = /^(key|secret|password|token|apiKey|privateKey|keys)$/i
function textOf(option: unknown): string {
  try {
    return JSON.stringify(option, comparedValue) ?? ''
  } catch {
    // An object of the application may have cycles or values that JSON rejects.
    return Object.keys(Object(option)).join()
  }
}

function comparedValue(name: string, value: unknown): unknown {
  if (typeof value === 'function') return `code ${value.toString()}`
  if (value instanceof RegExp) return String(value)
  // By provider: a replaced key is not another configuration.
  if (name === 'keys' && isObject(value)) return Object.keys(value)
  if (keyNames.test(name) && (typeof value === 'string' || value instanceof Uint8Array)) return 'hidden'
  if (!isObject(value) || value instanceof Uint8Array || isPlainObject(value)) return value
  // A model or a key ring of the application may hold a client with much state.
  return Object.fromEntries(Object.entries(value).filter(([, one]) => readable.has(typeof one)))
}
