/** Changes settings of a running troupe: all of the requested ones, or none. */

import type { SettingSource } from '../../configuration/index.ts'
import {
  childrenOf,
  configProblems,
  declared,
  settingAt,
  shownValue,
  type TroupeConfig,
  throwProblems,
  troupeOptions,
  withOrigins,
  wrongValue,
} from '../../configuration/index.ts'
import { hostName } from '../../context/index.ts'
import {
  captureOptions,
  checkOptions,
  failure,
  invalidInput,
  isPlainObject,
  nearestOf,
  readable,
  type TroupeError,
} from '../../core/index.ts'
import type { TroupeParts } from '../troupe-parts.ts'
import { type LiveConfig, liveSettings } from './live-settings.ts'

/** The options of `troupe.reconfigure`. */
export interface ReconfigureOptions {
  /** The origin of the request, for the event; `reconfigure` by default. */
  readonly origin?: string
}

/** A setting that `reconfigure` has changed. */
export interface ChangedSetting {
  /** The path of the setting, such as `messaging.maxAttempts`. */
  readonly setting: string
  /** The value before, as JSON with hidden secrets; undefined if it was not set. */
  readonly old: string | undefined
  /** The value now, as JSON with hidden secrets. */
  readonly new: string
}

type Plain = Readonly<Record<string, unknown>>
interface Wanted {
  readonly path: string
  readonly value: unknown
}

/** @throws ValidationError, ConflictError `config.restart`; `config.invalid` with several */
export function reconfigure(
  parts: TroupeParts,
  changes: LiveConfig,
  options: ReconfigureOptions,
): readonly ChangedSetting[] {
  checkOptions('reconfigure', options, ['origin'])
  const { origin: name = 'reconfigure' } = options
  if (typeof name !== 'string' || name === '' || name.length > 200)
    throw invalidInput('origin', 'it must be a text of 1 to 200 characters')
  if (!isPlainObject(changes)) throw invalidInput('The argument of reconfigure', 'it must be a plain object')
  const before = parts.settings.config
  const what = 'The argument of reconfigure'
  const { wanted, problems } = readable(what, () => read(captureOptions(changes), { source: 'host', name }))
  throwProblems(problems)
  const changed = readable(what, () => wanted.filter(({ path, value }) => !same(valueAt(before, path), value)))
  const config = withValues(before, changed, { source: 'host', name })
  throwProblems([
    ...configProblems(config),
    ...changed.flatMap(({ path }) => (path in liveSettings ? [] : [restart(path)])),
  ])
  parts.settings.config = config
  // A change that covers several settings is applied once.
  for (const apply of new Set(changed.map(({ path }) => liveSettings[path]))) apply?.(parts, config)
  return changed.map(({ path, value }) => emitChange(parts, path, valueAt(before, path), value, name))
}

function emitChange(
  { platform, security, observability }: TroupeParts,
  setting: string,
  old: unknown,
  value: unknown,
  origin: string,
): ChangedSetting {
  const shown = { ...(old === undefined ? {} : { old: shownValue(setting, old) }), new: shownValue(setting, value) }
  platform.events.emit({ type: 'config.changed', at: platform.clock.now(), setting, ...shown, origin })
  security.audit.record({ actor: hostName, operation: 'reconfigure', resource: setting, allowed: true })
  observability.log.info('a setting was changed', { setting, ...shown, origin })
  return { setting, old: undefined, ...shown }
}

const restart = (setting: string) => failure('config.restart', { setting })

/** Splits the changes into single settings, or into objects that are set as a whole. */
function read(
  changes: Plain,
  origin: SettingSource,
): { readonly wanted: readonly Wanted[]; readonly problems: TroupeError[] } {
  const wanted: Wanted[] = []
  const problems: TroupeError[] = []
  const unknown = (where: string, option: string, known: readonly string[]) =>
    problems.push(failure('option.unknown', { where, option, nearest: nearestOf(option, known, 'docs/settings.md') }))
  const walk = (value: unknown, path: string): void => {
    if (value === undefined) return
    const setting = settingAt(path)
    const nested = childrenOf(path)
    if (isPlainObject(value) && nested.length > 0 && !(path in liveSettings)) {
      for (const [name, one] of Object.entries(value))
        if (nested.includes(name) || setting) walk(one, `${path}.${name}`)
        else unknown(path, name, nested)
    } else if (setting && !setting.kind.accepts(value)) problems.push(wrongValue(setting, origin, value))
    else if (path === 'log' && isPlainObject(value)) {
      const { level, ...others } = value
      for (const name of Object.keys(others)) problems.push(restart(`log.${name}`))
      if (level !== undefined) wanted.push({ path, value: level })
    } else wanted.push({ path, value })
  }
  for (const [name, value] of Object.entries(changes))
    if (troupeOptions.includes(name)) walk(value, name)
    else unknown('reconfigure', name, troupeOptions)
  return { wanted, problems }
}

/** Returns the configured value or the default; of the log only its level. */
function valueAt(config: TroupeConfig, path: string): unknown {
  let value: unknown = config
  for (const name of path.split('.')) value = isPlainObject(value) ? value[name] : undefined
  const found = path === 'log' && isPlainObject(value) ? value.level : value
  return found ?? settingAt(path)?.standard
}

/** The doctor reads the sources of a loaded configuration, so they change with it. */
function withValues(config: TroupeConfig, changed: readonly Wanted[], origin: SettingSource): TroupeConfig {
  const merged = changed.reduce(withValue, config)
  const origins = config[declared]
  if (!origins) return merged
  const effectiveValues = new Map(origins.effectiveValues)
  for (const { path, value } of changed) effectiveValues.set(path, { path, value, origin })
  return withOrigins(merged, { ...origins, effectiveValues, config: changed.reduce(withValue, origins.config) })
}

function withValue(config: TroupeConfig, { path, value }: Wanted): TroupeConfig {
  if (path === 'log' && isPlainObject(config.log)) return { ...config, log: { ...config.log, level: value as 'warn' } }
  const set = (within: unknown, [name, ...rest]: readonly string[]): unknown =>
    name === undefined
      ? value
      : {
          ...(isPlainObject(within) ? within : {}),
          [name]: set(isPlainObject(within) ? within[name] : undefined, rest),
        }
  return set(config, path.split('.')) as TroupeConfig
}

const same = (one: unknown, other: unknown): boolean => {
  if (Object.is(one, other)) return true
  if (Array.isArray(one) && Array.isArray(other))
    return one.length === other.length && one.every((value, i) => same(value, other[i]))
  if (!isPlainObject(one) || !isPlainObject(other)) return false
  const names = new Set([...Object.keys(one), ...Object.keys(other)])
  return [...names].every((name) => same(one[name], other[name]))
}
