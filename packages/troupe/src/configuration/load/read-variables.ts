/** Reads the settings from environment variables: those of Troupe, and the names that the guides use. */
import { failure, fitsWithin, isList, isObject, nearest, show, type TroupeError } from '../../core/index.ts'
import { aliases } from '../settings/aliases.ts'
import type { Setting } from '../settings/setting.ts'
import { type FoundSetting, type SettingSource, settingSourceText } from '../settings/setting-source.ts'
import { settingAt, settings, variableOf } from '../settings/settings.ts'

/** Environment variables by name. */
export type Variables = Readonly<Record<string, string | undefined>>

export interface ReadSettings {
  readonly found: readonly FoundSetting[]
  readonly problems: readonly TroupeError[]
}

const keyOfProvider = /^models\.keys\.[a-z]+$/
/** Ours, and those of frameworks that no other program has. */
const ours = /^(TROUPE|SYNTHA|MARSYS)_/
const storageVariable = 'TROUPE_STORAGE'
/** Variables of the tests of this workspace. */
const notSettings = /^TROUPE_(TEST_|(URL|API_KEY|USER)$)/

/**
 * @param source of the variables, for origins
 * @param used names that the configuration refers to itself: no settings
 */
export function readVariables(
  variables: Variables,
  source: 'environment' | '.env',
  used: ReadonlySet<string>,
): ReadSettings {
  const found: FoundSetting[] = []
  const problems: TroupeError[] = []
  const names = new Map(settings.map((setting) => [variableOf(setting), setting]))
  for (const [name, text] of Object.entries(variables)) {
    if (text === undefined || text === '') continue
    const origin: SettingSource = { source, name }
    const alias = Object.hasOwn(aliases, name) ? aliases[name] : undefined
    const setting = names.get(name)
    if (setting) {
      const value = setting.kind.fromText(text)
      if (value === undefined) problems.push(wrongValue(setting, origin, text))
      else found.push({ path: setting.path, value, origin })
    } else if (alias && 'path' in alias) {
      const aliased = settingAt(alias.path) ?? asKey(alias.path)
      const read = alias.read(text)
      if (read === undefined) continue
      const value = aliased.kind.fromText(read)
      if (value === undefined || !aliased.kind.accepts(value)) problems.push(wrongValue(aliased, origin, text))
      else found.push({ path: alias.path, value, origin })
    } else if (alias) {
      const on = flag.fromText(text)
      if (on === undefined) problems.push(wrongValue({ ...flagged, path: name }, origin, text))
      else if ('requires' in alias) found.push({ path: `wanted.${alias.requires}`, value: on, origin })
      else if (on === false)
        problems.push(failure('config.always', { name: settingSourceText(origin), always: alias.always }))
    } else if (ours.test(name) && !notSettings.test(name) && !used.has(name)) {
      const known = [...names.keys(), ...Object.keys(aliases)]
      problems.push(
        failure('option.unknown', {
          where: source === '.env' ? 'The file .env' : 'The environment',
          option: name,
          // The variable of `storage.url` has a shorter name than its path.
          nearest: name === 'TROUPE_STORAGE_URL' ? storageVariable : (nearest(name, known) ?? storageVariable),
        }),
      )
    }
  }
  return { found, problems }
}

const flagged = settingAt('debug') as Setting
const flag = flagged.kind
const apiKey = settingAt('models.apiKey') as Setting
const asKey = (path: string): Setting => {
  if (keyOfProvider.test(path)) return { ...apiKey, path }
  throw failure('invariant.broken', { rule: `an alias names a setting, and ${path} is none` })
}

/** The error does not show a secret. */
const maxShown = 100

/** A large value is not written as text to show its beginning. */
const shortText = (value: unknown): string =>
  (isObject(value) || isList(value)) && fitsWithin(value, maxShown) ? JSON.stringify(value) : show(value)

export const wrongValue = ({ path, kind }: Setting, origin: SettingSource, value: unknown): TroupeError =>
  failure('config.value', {
    setting: path,
    origin: settingSourceText(origin),
    value: kind.secret ? 'what it says' : shortText(value).slice(0, maxShown),
    wanted: kind.description,
  })
