/** One configuration of what the sources said: a later source goes before an earlier one. */
import { failure, type TroupeError } from '../../core/index.ts'
import { type Found, type Origin, originText } from './found.ts'
import { settings } from './settings.ts'

export interface Composed {
  /** What holds, by the path of its setting. */
  readonly held: ReadonlyMap<string, Found>
  readonly problems: readonly TroupeError[]
}

/** @param layers in rising order */
export function compose(layers: readonly (readonly Found[])[]): Composed {
  const held = new Map<string, Found>()
  const problems: TroupeError[] = []
  for (const layer of layers) {
    const here = new Map<string, Found>()
    for (const found of layer) {
      const other = here.get(found.path)
      if (other && !same(other.value, found.value)) problems.push(contradiction(found.path, other.origin, found.origin))
      here.set(found.path, found)
    }
    // Who says a whole has said its parts.
    for (const path of here.keys())
      for (const below of [...held.keys()]) if (below.startsWith(`${path}.`)) held.delete(below)
    for (const [path, found] of here) held.set(path, found)
  }
  return { held, problems: [...problems, ...quarrels(held)] }
}

const same = (one: unknown, other: unknown) => one === other || JSON.stringify(one) === JSON.stringify(other)

const contradiction = (setting: string, one: Origin, other: Origin) =>
  failure('config.contradiction', { setting, one: originText(one), other: originText(other) })

/** Values of two settings that cannot both hold. */
function quarrels(held: ReadonlyMap<string, Found>): readonly TroupeError[] {
  const problems: TroupeError[] = []
  const url = held.get('storage.url')
  const part = [...held.values()].find(({ path, origin }) => ofPostgres(path) && origin.source !== 'default')
  if (url && url.origin.source !== 'default' && part && typeof url.value === 'string' && !isPostgres(url.value))
    problems.push(contradiction('storage', url.origin, part.origin))
  const debug = held.get('debug')
  const log = held.get('log')
  if (debug?.value === true && log && log.origin.source !== 'default' && log.value !== 'debug')
    problems.push(contradiction('log', debug.origin, log.origin))
  const wanted = held.get('wanted.encryption')
  const key = [...held.values()].find(({ path }) => path.startsWith('encryption.') && path !== 'encryption.keyId')
  if (wanted?.value === true && !key)
    problems.push(
      failure('config.missing', {
        setting: 'encryption.key',
        because: `${originText(wanted.origin)} asks for encryption`,
        variable: 'TROUPE_ENCRYPTION_KEY',
      }),
    )
  if (wanted?.value === false && key) problems.push(contradiction('encryption', wanted.origin, key.origin))
  return problems
}

const isPostgres = (url: string) => /^postgres(ql)?:/.test(url)
const ofPostgres = (path: string) => path.startsWith('storage.') && path !== 'storage.url'

/** The settings as one object, in the form that files and createTroupe have. */
export function asObject(held: ReadonlyMap<string, Found>): Record<string, unknown> {
  const result: Record<string, unknown> = {}
  const rows = [...held.values()].filter(({ path }) => !path.startsWith('wanted.'))
  // What holds others first.
  for (const { path, value } of rows.sort((a, b) => a.path.split('.').length - b.path.split('.').length)) {
    const names = path.split('.')
    const last = names.pop() as string
    let place = result
    for (const name of names) {
      const inner = { ...(place[name] as Record<string, unknown> | undefined) }
      place[name] = inner
      place = inner
    }
    place[last] = value
  }
  return withStorage(withEncryption(result))
}

function withStorage({ storage, ...rest }: Record<string, unknown>): Record<string, unknown> {
  const { url, ...parts } = (storage ?? {}) as Record<string, unknown>
  if (Object.keys(parts).length === 0) return { ...rest, storage: url }
  // The parts alone say where it is, unless the URL does.
  return { ...rest, storage: url === undefined || !isPostgres(String(url)) ? parts : { url, ...parts } }
}

function withEncryption({ encryption, ...rest }: Record<string, unknown>): Record<string, unknown> {
  if (encryption === undefined) return rest
  const { key, keyId = 'main', ...others } = encryption as Record<string, unknown>
  if (key === undefined) return Object.keys(others).length === 0 ? rest : { ...rest, encryption: others }
  const keys = [...((others.keys as unknown[] | undefined) ?? []), { id: keyId, key }]
  return { ...rest, encryption: { ...others, keys } }
}

/** What holds where nobody says anything: only what the parts of a configuration need to be whole. */
export function defaultsOf(profile: string): readonly Found[] {
  const origin: Origin = { source: 'default', name: 'default' }
  const ofTest: Origin = { source: 'default', name: 'the profile test' }
  return settings.flatMap((setting): Found[] => {
    const { path, standard } = setting
    if (profile === 'test' && path === 'storage.url') return [{ path, value: 'memory:', origin: ofTest }]
    if (profile === 'test' && path === 'log') return [{ path, value: 'error', origin: ofTest }]
    return standard === undefined || ofPostgres(path) || path === 'lease' || path === 'encryption.keyId'
      ? []
      : [{ path, value: standard, origin }]
  })
}
