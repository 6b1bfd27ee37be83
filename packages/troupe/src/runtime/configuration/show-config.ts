/** A configuration for a person's eyes: every setting, its value and where it is from; never a secret. */

import { type Origin, originText } from './found.ts'
import type { LoadedConfig } from './load-config.ts'
import { settings } from './settings.ts'

export interface ShownSetting {
  readonly path: string
  /** JSON, or `[hidden]`. */
  readonly value: string
  readonly origin: Origin
  readonly from: string
}

/**
 * @example
 * for (const { path, value, from } of showConfig(await loadConfig())) console.log(`${path} = ${value}, from ${from}`)
 */
export function showConfig({ held }: Pick<LoadedConfig, 'held'>): readonly ShownSetting[] {
  const secrets = new Set(settings.flatMap(({ path, secret }) => (secret ? [path] : [])))
  return [...held]
    .filter(([path]) => !path.startsWith('wanted.'))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, { value, origin }]) => ({
      path,
      value: path === 'storage.url' ? placeText(value) : isHidden(path, secrets) ? hidden : text(named(path, value)),
      origin,
      from: originText(origin),
    }))
}

const hidden = '[hidden]'
const isHidden = (path: string, secrets: ReadonlySet<string>) => secrets.has(path) || path.startsWith('models.keys')

/** A database without the password, and without what may be one. */
function placeText(value: unknown): string {
  if (typeof value !== 'string') return hidden
  const place = /^(\w+:\/\/)(?:[^@]*@)?(.*)$/s.exec(value)
  return JSON.stringify(place ? `${place[1]}${place[2]?.replace(/\?.*$/s, '')}` : value)
}

/** Code is known by its name. */
function named(path: string, value: unknown): unknown {
  if (path === 'agents' && Array.isArray(value)) return value.map((agent: { readonly name?: unknown }) => agent.name)
  return path === 'topologies' && typeof value === 'object' && value !== null ? Object.keys(value) : value
}

const secretNames = /key|secret|password|token/i
const text = (value: unknown): string =>
  JSON.stringify(value, (name, inner: unknown) =>
    secretNames.test(name) && (typeof inner === 'string' || inner instanceof Uint8Array)
      ? hidden
      : typeof inner === 'function'
        ? '[code]'
        : inner,
  ) ?? '[code]'
