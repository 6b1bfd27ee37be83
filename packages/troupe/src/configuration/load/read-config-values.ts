/** Reads the settings of a file or of flags. */
import { failure, invalidInput, isObject, nearestOf, type TroupeError } from '../../core/index.ts'
import type { FoundSetting, SettingSource } from '../settings/setting-source.ts'
import { childrenOf, settingAt, settings } from '../settings/settings.ts'
import { type ReadSettings, wrongValue } from './read-variables.ts'

/**
 * @param options of createTroupe and of files: options outside the table of settings are code, which their modules
 * check
 */
export function readConfigValues(
  content: Readonly<Record<string, unknown>>,
  origin: SettingSource,
  options: readonly string[],
): ReadSettings {
  const found: FoundSetting[] = []
  const problems: TroupeError[] = []
  const walk = (value: unknown, path: string): void => {
    const setting = settingAt(path)
    if (setting) {
      if (setting.kind.accepts(value)) found.push({ path, value, origin })
      else problems.push(wrongValue(setting, origin, value))
      return
    }
    const nested = childrenOf(path)
    if (nested.length === 0) {
      found.push({ path, value, origin })
      return
    }
    if (path === 'storage' && (typeof value === 'string' || hasSecret(value))) {
      walk(value, 'storage.url')
      return
    }
    if (!isObject(value)) {
      problems.push(invalidInput(`${path} in ${origin.name}`, `it is not an object with ${nested.join(', ')}`))
      return
    }
    for (const [name, one] of Object.entries(value)) {
      if (one === undefined) continue
      if (nested.includes(name)) walk(one, `${path}.${name}`)
      else problems.push(unknown(`${path} in ${origin.name}`, name, nested))
    }
  }
  const top = [...new Set([...settings.map(({ path }) => path.split('.')[0] as string), ...options])]
  for (const [name, value] of Object.entries(content)) {
    if (value === undefined) continue
    if (top.includes(name)) walk(value, name)
    else problems.push(unknown(origin.name, name, top))
  }
  return { found, problems }
}

/** A flag has the path of its setting: a text is read as that of a variable, anything else as that of a file. */
export function readFlags(flags: Readonly<Record<string, unknown>>): ReadSettings {
  const found: FoundSetting[] = []
  const problems: TroupeError[] = []
  for (const [name, value] of Object.entries(flags)) {
    if (value === undefined) continue
    const origin: SettingSource = { source: 'flag', name }
    const setting = settingAt(name === 'storage' ? 'storage.url' : name)
    if (!setting) {
      problems.push(
        unknown(
          'The command line',
          name,
          settings.map(({ path }) => path),
        ),
      )
      continue
    }
    const read = typeof value === 'string' ? setting.kind.fromText(value) : value
    if (read === undefined || !setting.kind.accepts(read)) problems.push(wrongValue(setting, origin, value))
    else found.push({ path: setting.path, value: read, origin })
  }
  return { found, problems }
}

const hasSecret = (value: unknown) => typeof value === 'object' && value !== null && 'secret' in value

const unknown = (where: string, option: string, known: readonly string[]): TroupeError =>
  failure('option.unknown', { where, option, nearest: nearestOf(option, known, 'docs/settings.md') })
