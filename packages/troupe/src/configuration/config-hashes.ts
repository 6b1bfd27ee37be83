/** What of a configuration the audit log is told of when it changes: what decides who may do what, and what is kept. */
import { hashText, isObject, type Redactor } from '../core/index.ts'
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

/** By the names of the options. A secret that is only replaced changes nothing of them, and stands in none. */
export function configHashes(config: TroupeConfig, redactor: Pick<Redactor, 'redact'>): ReadonlyMap<string, string> {
  return new Map(watched.map((name) => [name, hashText(redactor.redact(textOf(config[name])))]))
}

const keyNames = /^(key|secret|password|token|apiKey|privateKey|keys)$/i
const textOf = (option: unknown): string =>
  JSON.stringify(option, (name, value: unknown) => {
    if (typeof value === 'function') return `code ${value.toString()}`
    if (value instanceof RegExp) return String(value)
    // By provider: a key that is replaced is no other configuration.
    if (name === 'keys' && isObject(value)) return Object.keys(value)
    const isSecret = keyNames.test(name) && (typeof value === 'string' || value instanceof Uint8Array)
    return isSecret ? 'hidden' : value
  }) ?? ''
