/** The configuration as text for people: every setting with its value and source, never a secret. */
import { fieldOf, invalidInput, isInstance, isObject, isPlainObject } from '../../core/index.ts'
import { isSecretReference } from '../../security/index.ts'
import { type SettingSource, settingSourceText } from '../settings/setting-source.ts'
import { settingAt } from '../settings/settings.ts'
import type { LoadedConfig } from './load-config.ts'

/** A setting as text. */
export interface ShownSetting {
  /** The path of the setting, such as `server.port`. */
  readonly path: string
  /** The value as JSON, or `[hidden]` for a secret. */
  readonly value: string
  /** The source of the value. */
  readonly origin: SettingSource
  /** The source of the value as text. */
  readonly from: string
}

/**
 * Returns every setting as text, sorted by path.
 * @throws ValidationError for a value that is not from `loadConfig`
 * @example
 * for (const { path, value, from } of showConfig(await loadConfig())) console.log(`${path} = ${value}, from ${from}`)
 */
export function showConfig(loaded: Pick<LoadedConfig, 'effectiveValues'>): readonly ShownSetting[] {
  if (!isInstance(fieldOf(loaded, 'effectiveValues'), Map))
    throw invalidInput('The argument of showConfig', 'it must be the result of loadConfig')
  return [...(loaded.effectiveValues as LoadedConfig['effectiveValues'])]
    .filter(([path]) => !path.startsWith('wanted.'))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, { value, origin }]) => ({
      path,
      value: shownValue(path, value),
      origin,
      from: settingSourceText(origin),
    }))
}

/** JSON, or `[hidden]`. */
export function shownValue(path: string, value: unknown): string {
  if (path === 'storage.url') return storageUrlText(value)
  return settingAt(path)?.kind.secret || path.startsWith('models.keys') ? hidden : text(named(path, value))
}

/** Returns the texts of hidden values, so that they can be removed from output. */
export const secretsOf = ({ effectiveValues }: Pick<LoadedConfig, 'effectiveValues'>): readonly string[] =>
  [...effectiveValues].flatMap(([path, { value }]) => {
    // Of a URL, only the password, which may have any character.
    if (path === 'storage.url') return /^\w+:\/\/[^:]*:(.+)@/s.exec(String(value))?.slice(1) ?? []
    if (path.startsWith('models.keys')) return secretTexts(value, true)
    return secretTexts(named(path, value), settingAt(path)?.kind.secret === true && typeof value === 'string')
  })

/** Of a structure, the values under names of secrets, since it has others too. */
function secretTexts(value: unknown, hides: boolean): readonly string[] {
  if (typeof value === 'string') return hides ? [value] : []
  if (Array.isArray(value)) return value.flatMap((one) => secretTexts(one, hides))
  if (!isPlainObject(value) || isSecretReference(value)) return []
  return Object.entries(value).flatMap(([name, inner]) => secretTexts(inner, hides || holdsSecrets.test(name)))
}
const holdsSecrets = /key|secret|password|token|headers/i

const hidden = '[hidden]'

const storageUrlText = (value: unknown): string =>
  typeof value === 'string' ? JSON.stringify(redactedStorageUrl(value)) : hidden

/** Returns the location of a database without the password, and without text that may be one. */
export function redactedStorageUrl(url: string): string {
  const scheme = /^\w+:\/\//.exec(url)?.[0]
  if (scheme === undefined) return url
  if (!URL.canParse(url)) return `${scheme}${hidden}`
  const { host, pathname } = new URL(url)
  return `${scheme}${host}${pathname}`
}

/** Code is known by its name. */
function named(path: string, value: unknown): unknown {
  if (path === 'agents' && Array.isArray(value)) return value.map((agent: { readonly name?: unknown }) => agent.name)
  return path === 'teams' && typeof value === 'object' && value !== null ? Object.keys(value) : value
}

const text = (value: unknown): string => JSON.stringify(shownPart(value, false)) ?? '[code]'

/** Hides texts below the name of a secret, and code: an instance of a class may have secrets under any name, and cycles. */
function shownPart(value: unknown, hides: boolean): unknown {
  if (typeof value === 'string') return hides ? hidden : value
  if (Array.isArray(value)) return value.map((one) => shownPart(one, hides))
  if (isPlainObject(value))
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [name, shownPart(inner, hides || holdsSecrets.test(name))]),
    )
  if (value instanceof Uint8Array) return hidden
  return typeof value === 'function' || isObject(value) ? '[code]' : value
}
