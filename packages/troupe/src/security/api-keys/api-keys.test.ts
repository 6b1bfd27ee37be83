import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { dropSchema, missingServer, schemaName, server } from '../../../test/postgres/postgres-server.ts'
import type { TroupeConfig } from '../../configuration/index.ts'
import { createEvents, createIds, type EventFields, systemRandom } from '../../core/index.ts'
import { createSkippingClock } from '../../core/time/skipping-clock.test.fixture.ts'
import { migrations } from '../../operations/index.ts'
import { createTroupe, type Troupe } from '../../startup/index.ts'
import { type OpenedStorage, openStorage } from '../../storage/index.ts'
import { ApiKeys, createRoles, openAudit } from '../index.ts'

const missing = await missingServer()
const schema = schemaName('keys')
const open: Troupe[] = []
const stores: OpenedStorage[] = []
const opened = async (config: TroupeConfig) => {
  const troupe = await createTroupe({ log: 'silent', ...config })
  open.push(troupe)
  return troupe
}
afterEach(async () => {
  for (const troupe of open.splice(0)) await troupe.close()
  for (const store of stores.splice(0)) await store.close()
})
afterAll(async () => {
  if (missing === undefined) await dropSchema(schema)
})

describe.each([
  { name: 'in memory', storage: 'memory:' as const, skip: false },
  { name: 'on PostgreSQL', storage: { url: server, schema }, skip: missing !== undefined },
])('API keys $name', ({ storage, skip }) => {
  // Without a troupe, whose own timers would all come due in the months that pass here.
  const start = async () => {
    const clock = createSkippingClock()
    const target = typeof storage === 'string' ? { url: storage } : { url: 'postgres:', postgres: storage }
    const opened = await openStorage({ ...target, migrations, clock, random: systemRandom, time: 'clock' })
    stores.push(opened)
    const emitted: EventFields[] = []
    const events = createEvents(() => {})
    events.on('key.*', (event) => emitted.push(event))
    const ids = createIds(clock, systemRandom)
    const platform = { clock, random: systemRandom, ids, events }
    const audit = await openAudit({ storage: opened, platform, holder: 'here', failed: () => {} })
    const keys = new ApiKeys({ storage: opened, ...platform, roles: createRoles(), audit })
    return { clock, emitted, audit, keys }
  }

  it.skipIf(skip)('An API key opens what its options allow, and its secret is not readable anywhere.', async () => {
    const { keys, emitted } = await start()
    const { id, key } = await keys.create({ name: 'one', users: ['ada', 'bob'], operations: ['runs.*'], agent: 'Box' })
    expect(await keys.verify(key)).toMatchObject({ id, users: ['ada', 'bob'], role: 'contributor', agent: 'Box' })
    const other = await keys.create({ name: 'two', users: 'all' })
    expect(await keys.verify(`${key.slice(0, -1)}${key.endsWith('A') ? 'B' : 'A'}`)).toBeUndefined()
    expect(await keys.verify(key.slice(0, 30) + other.key.slice(30))).toBeUndefined()
    expect(await keys.verify('')).toBeUndefined()
    expect(emitted.map(({ type, key: named }) => [type, named])).toContainEqual(['key.created', id])
    const all = []
    for await (const one of await keys.list({ limit: 1 })) all.push(one)
    const [first] = all.filter((one) => one.id === id)
    expect(first).toMatchObject({ name: 'one', users: ['ada', 'bob'], operations: ['runs.*'], state: 'valid' })
    expect(JSON.stringify([all, emitted])).not.toContain(key.slice(30))
  })
  it.skipIf(skip)('An API key stops being valid when it expires and when it is revoked.', async () => {
    const { clock, keys } = await start()
    const { id, key } = await keys.create({ name: 'short', users: ['ada'], expiresIn: '1h' })
    await clock.advance('59m')
    expect(await keys.verify(key)).toBeDefined()
    await clock.advance('1m')
    expect(await keys.verify(key)).toBeUndefined()
    await expect(keys.rotate(id)).rejects.toMatchObject({ code: 'key.unknown' })
    const second = await keys.create({ name: 'long', users: ['ada'] })
    await keys.revoke(second.id)
    expect(await keys.verify(second.key)).toBeUndefined()
    await expect(keys.revoke(second.id)).rejects.toMatchObject({ code: 'key.unknown' })
    const states = (await keys.list()).items.filter((one) => [id, second.id].includes(one.id)).map(({ state }) => state)
    expect(states).toEqual(['expired', 'revoked'])
  })
  it.skipIf(skip)('A rotated API key is valid during the overlap, and its successor alone after that.', async () => {
    const { clock, keys } = await start()
    const old = await keys.create({ name: 'n', users: ['ada'], role: 'readonly', expiresIn: '90d' })
    clock.skip('10d')
    const fresh = await keys.rotate(old.id, { overlap: '10m' })
    expect(await keys.verify(fresh.key)).toMatchObject({ users: ['ada'], role: 'readonly' })
    await clock.advance('9m')
    expect(await keys.verify(old.key)).toBeDefined()
    await clock.advance('1m')
    expect(await keys.verify(old.key)).toBeUndefined()
    clock.skip('89d')
    expect(await keys.verify(fresh.key)).toBeDefined()
    clock.skip('1d')
    expect(await keys.verify(fresh.key)).toBeUndefined()
  })
  it.skipIf(skip)(
    'A key that is rotated a second time within the overlap gives its successor its own lifetime.',
    async () => {
      const { clock, keys } = await start()
      const endless = await keys.create({ name: 'endless', users: ['ada'] })
      const limited = await keys.create({ name: 'limited', users: ['ada'], expiresIn: '90d' })
      const rotateTwice = async (id: string) => {
        await keys.rotate(id, { overlap: '10m' })
        await clock.advance('1m')
        return keys.rotate(id, { overlap: '10m' })
      }
      const successors = [await rotateTwice(endless.id), await rotateTwice(limited.id)]
      clock.skip('89d')
      for (const { key } of successors) expect(await keys.verify(key)).toBeDefined()
      clock.skip('2d')
      const valid = await Promise.all(successors.map(async ({ key }) => (await keys.verify(key)) !== undefined))
      expect(valid).toEqual([true, false])
    },
  )
  it.skipIf(skip)('An API key reminds of its rotation after 30 days, once a day.', async () => {
    const { clock, keys, emitted } = await start()
    const { key } = await keys.create({ name: 'old', users: ['ada'] })
    const rotationsDue = () => emitted.filter(({ type }) => type === 'key.rotation-due').length
    clock.skip('29d')
    await keys.verify(key)
    expect(rotationsDue()).toBe(0)
    clock.skip('2d')
    await keys.verify(key)
    await keys.verify(key)
    expect(rotationsDue()).toBe(1)
    clock.skip('1d')
    await keys.verify(key)
    expect(rotationsDue()).toBe(2)
    expect((await keys.list()).items.find(({ name }) => name === 'old')).toMatchObject({ rotationDue: true })
  })
  it.skipIf(skip)('An API key opens nothing of a user who was erased.', async () => {
    const troupe = await opened({ storage })
    const { apiKeys: keys } = troupe
    const alone = await keys.create({ name: 'key of gone', users: ['gone'] })
    const both = await keys.create({ name: 'desk of gone', users: ['gone', 'stays'] })
    const other = await keys.create({ name: 'desk of stays', users: ['stays'] })
    await keys.revoke(alone.id)
    await troupe.forget('gone')
    expect(await keys.verify(alone.key)).toBeUndefined()
    expect(await keys.verify(both.key)).toMatchObject({ users: ['stays'], name: 'erased' })
    const names = (await keys.list()).items.filter(({ id }) => [alone.id, both.id, other.id].includes(id))
    const byId = new Map(names.map(({ id, name }) => [id, name]))
    expect([alone, both, other].map(({ id }) => byId.get(id))).toEqual(['erased', 'erased', 'desk of stays'])
  })
  it.skipIf(skip)('An API key link opens a session once, within five minutes.', async () => {
    const { clock, keys } = await start()
    const link = await keys.link({ users: ['ada'], role: 'readonly' })
    const opened = await Promise.all([keys.openSession(link), keys.openSession(link)])
    const sessions = opened.flatMap((one) => one ?? [])
    expect(sessions).toHaveLength(1)
    const session = sessions[0]?.key ?? ''
    const grant = await keys.verify(session)
    expect(grant).toMatchObject({ kind: 'session', users: ['ada'], role: 'readonly' })
    expect(await keys.openSession(session)).toBeUndefined()
    await keys.endSession(grant ?? { id: '' })
    expect(await keys.verify(session)).toBeUndefined()
    const late = await keys.link({ users: 'all' })
    await clock.advance('5m')
    expect(await keys.openSession(late)).toBeUndefined()
    expect((await keys.list()).items.some(({ name }) => name === 'link' || name === 'session')).toBe(false)
  })
  it.skipIf(skip)('An API key is rejected with unknown or invalid options.', async () => {
    const { keys } = await start()
    const wrong = (options: object) => expect(keys.create({ name: 'n', users: ['ada'], ...options })).rejects
    await wrong({ rol: 'admin' }).toMatchObject({ code: 'option.unknown' })
    await wrong({ role: 'king' }).toMatchObject({ code: 'role.unknown' })
    await wrong({ operations: ['runs.strat'] }).toMatchObject({
      code: 'option.unknown',
      hint: 'Did you mean runs.start?',
    })
    await wrong({ users: [] }).toMatchObject({ code: 'validation.failed' })
    await wrong({ name: '' }).toMatchObject({ code: 'validation.failed' })
    await wrong({ expiresIn: '0s' }).toMatchObject({ code: 'validation.failed' })
  })
})

it.skipIf(missing !== undefined)('An API key that is revoked in one process opens nothing in another.', async () => {
  const storage = { url: server, schema }
  const [here, there] = [await opened({ storage }), await opened({ storage })]
  const { id, key } = await here.apiKeys.create({ name: 'n', users: ['ada'] })
  expect(await there.apiKeys.verify(key)).toBeDefined()
  await here.apiKeys.revoke(id)
  expect(await there.apiKeys.verify(key)).toBeUndefined()
})

it('The files of the storage contain no secret of a key, a link or a session.', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-keys-'))
  const { apiKeys: keys } = await opened({ storage: `sqlite:${join(folder, 'troupe.db')}` })
  const [made, link] = [await keys.create({ name: 'n', users: 'all' }), await keys.link({ users: 'all' })]
  const rotated = await keys.rotate(made.id)
  const session = await keys.openSession(await keys.link({ users: 'all' }))
  const bytes = Buffer.concat(readdirSync(folder).map((name) => readFileSync(join(folder, name))))
  expect(bytes.includes(made.id)).toBe(true)
  // Behind its kind and its id.
  for (const secret of [made.key, link, rotated.key, session?.key ?? ''])
    expect([secret.length > 60, bytes.includes(secret.slice(-43))]).toEqual([true, false])
  rmSync(folder, { recursive: true })
})
