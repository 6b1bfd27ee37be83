import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import type { LoadedConfig, TroupeConfig } from '../../configuration/index.ts'
import { createLocalTroupe, openWithoutCode, storageLocationOf } from './open-transport.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-transport-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const loaded = (config: TroupeConfig) => ({ config, effectiveValues: new Map() }) as unknown as LoadedConfig

it('A troupe of the command line leaves signals to the command.', async () => {
  const before = process.listenerCount('SIGTERM')
  await using _ = await createLocalTroupe({ storage: 'memory:', log: 'silent', signals: true })
  expect(process.listenerCount('SIGTERM')).toBe(before)
})

it('A command without agents opens a storage in production without API keys of models.', async () => {
  const config: TroupeConfig = {
    profile: 'production',
    storage: `sqlite:${join(folder, 'troupe.db')}`,
    encryption: { keys: [{ id: 'a', key: 'ab'.repeat(32) }] },
    models: { registry: { default: 'xai/absent' }, keys: {} },
  }
  await expect(createLocalTroupe({ ...config, log: 'silent' })).rejects.toMatchObject({ code: 'model.key_missing' })
  await (await openWithoutCode(loaded(config))).close()
})

it('The location of a storage has no secrets, and names a database that its parts name.', async () => {
  const locationOf = (storage: TroupeConfig['storage']) => storageLocationOf(loaded({ storage }))
  expect(await locationOf('sqlite:./data/troupe.db')).toBe('sqlite:./data/troupe.db')
  expect(await locationOf({ url: 'postgres://app:planted@db/shop', poolSize: 2 })).toBe('postgres://db/shop')
  expect(await locationOf({ host: 'db', database: 'shop', password: 'planted' })).toBe('postgres://db/shop')
})
