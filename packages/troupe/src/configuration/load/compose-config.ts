/** Composes one configuration from its sources: a later source precedes an earlier one. */
import { failure, type TroupeError } from '../../core/index.ts'
import { partsOfUrl } from '../../storage/index.ts'
import { type FoundSetting, type SettingSource, settingSourceText } from '../settings/setting-source.ts'
import { settings } from '../settings/settings.ts'

export interface Composed {
  /** The value and source of each setting, by its path. */
  readonly effectiveValues: ReadonlyMap<string, FoundSetting>
  readonly problems: readonly TroupeError[]
}

/** @param layers in rising order */
export function composeConfig(layers: readonly (readonly FoundSetting[])[]): Composed {
  const effectiveValues = new Map<string, FoundSetting>()
  const problems: TroupeError[] = []
  for (const layer of layers) {
    const here = new Map<string, FoundSetting>()
    for (const found of layer) {
      const other = here.get(found.path)
      if (other && !same(other.value, found.value)) problems.push(contradiction(found.path, other.origin, found.origin))
      here.set(found.path, found)
    }
    for (const [path, value] of namedByUrl(here.get('storage.url'))) {
      const other = here.get(path)
      if (other === undefined) effectiveValues.delete(path)
      // In one file, a part beside the URL overrides that of the URL.
      else if (other.origin.source !== 'file' && !same(other.value, value))
        problems.push(contradiction(path, (here.get('storage.url') as FoundSetting).origin, other.origin))
    }
    // A source that sets an object also sets its parts.
    for (const path of here.keys())
      for (const nested of [...effectiveValues.keys()])
        if (nested.startsWith(`${path}.`)) effectiveValues.delete(nested)
    for (const [path, found] of here) effectiveValues.set(path, found)
  }
  return { effectiveValues, problems: [...problems, ...quarrels(effectiveValues)] }
}

const same = (one: unknown, other: unknown) => one === other || JSON.stringify(one) === JSON.stringify(other)

/** Returns the settings that a URL of PostgreSQL contains, by path. A wrong URL is reported when it is opened. */
function namedByUrl(found: FoundSetting | undefined): readonly (readonly [string, unknown])[] {
  if (typeof found?.value !== 'string' || !isPostgres(found.value)) return []
  try {
    return Object.entries(partsOfUrl(found.value)).map(([name, value]) => [`storage.${name}`, value])
  } catch {
    return []
  }
}

const contradiction = (setting: string, one: SettingSource, other: SettingSource) =>
  failure('config.contradiction', { setting, one: settingSourceText(one), other: settingSourceText(other) })

/** Values of two settings that cannot both hold. */
function quarrels(effectiveValues: ReadonlyMap<string, FoundSetting>): readonly TroupeError[] {
  const problems: TroupeError[] = []
  const url = effectiveValues.get('storage.url')
  const part = [...effectiveValues.values()].find(({ path, origin }) => ofPostgres(path) && origin.source !== 'default')
  if (url && url.origin.source !== 'default' && part && typeof url.value === 'string' && !isPostgres(url.value))
    problems.push(contradiction('storage', url.origin, part.origin))
  const debug = effectiveValues.get('debug')
  const log = effectiveValues.get('log')
  if (debug?.value === true && log && log.origin.source !== 'default' && log.value !== 'debug')
    problems.push(contradiction('log', debug.origin, log.origin))
  const wanted = effectiveValues.get('wanted.encryption')
  const key = [...effectiveValues.values()].find(
    ({ path }) => path.startsWith('encryption.') && path !== 'encryption.keyId',
  )
  if (wanted?.value === true && !key)
    problems.push(
      failure('config.missing', {
        setting: 'encryption.key',
        reason: `${settingSourceText(wanted.origin)} asks for encryption`,
        variable: 'TROUPE_ENCRYPTION_KEY',
      }),
    )
  if (wanted?.value === false && key) problems.push(contradiction('encryption', wanted.origin, key.origin))
  return problems
}

const isPostgres = (url: string) => /^postgres(ql)?:/.test(url)
const ofPostgres = (path: string) => path.startsWith('storage.') && path !== 'storage.url'

/** The settings as one object, in the form that files and createTroupe have. */
export function asObject(effectiveValues: ReadonlyMap<string, FoundSetting>): Record<string, unknown> {
  const result: Record<string, unknown> = {}
  const rows = [...effectiveValues.values()].filter(({ path }) => !path.startsWith('wanted.'))
  // Objects come before their parts.
  for (const { path, value } of rows.sort((a, b) => a.path.split('.').length - b.path.split('.').length)) {
    const names = path.split('.')
    const last = names.pop() as string
    let parent = result
    for (const name of names) {
      const inner = { ...(parent[name] as Record<string, unknown> | undefined) }
      parent[name] = inner
      parent = inner
    }
    parent[last] = value
  }
  return withStorage(withEncryption(result))
}

function withStorage({ storage, ...rest }: Record<string, unknown>): Record<string, unknown> {
  const { url, ...parts } = (storage ?? {}) as Record<string, unknown>
  if (Object.keys(parts).length === 0) return { ...rest, storage: url }
  // A URL in a secret is not known yet.
  const isOfUrl = typeof url === 'string' ? isPostgres(url) : url !== undefined
  return { ...rest, storage: isOfUrl ? { url, ...parts } : parts }
}

function withEncryption({ encryption, ...rest }: Record<string, unknown>): Record<string, unknown> {
  if (encryption === undefined) return rest
  const { key, keyId = 'main', ...others } = encryption as Record<string, unknown>
  if (key === undefined) return Object.keys(others).length === 0 ? rest : { ...rest, encryption: others }
  const keys = [...((others.keys as unknown[] | undefined) ?? []), { id: keyId, key }]
  return { ...rest, encryption: { ...others, keys } }
}

/** Returns the defaults: only those that the parts of a configuration need to be complete. */
export function defaultsOf(profile: string): readonly FoundSetting[] {
  const origin: SettingSource = { source: 'default', name: 'default' }
  const ofTest: SettingSource = { source: 'default', name: 'the profile test' }
  return settings.flatMap((setting): FoundSetting[] => {
    const { path, standard } = setting
    if (profile === 'test' && path === 'storage.url') return [{ path, value: 'memory:', origin: ofTest }]
    if (profile === 'test' && path === 'log') return [{ path, value: 'error', origin: ofTest }]
    return standard === undefined || ofPostgres(path) || path === 'lease' || path === 'encryption.keyId'
      ? []
      : [{ path, value: standard, origin }]
  })
}
