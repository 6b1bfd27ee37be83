/** What a call begins knows the API key by which it came in: its labels, and whether it has ended. */
import { generateKeyPairSync } from 'node:crypto'
import { SignJWT } from 'jose'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { TroupeEvent } from '../index.ts'
import { createVirtualClock } from '../testing/index.ts'
import type { JwtOptions } from './access/tokens.ts'
import { caller, echo, type Served, Servers } from './server-testbed.test.fixture.ts'

const servers = new Servers()
afterEach(() => servers.close())
const teams = { solo: { agents: [echo], flows: ['Echo -> End'] } }
const as = ({ url }: Served, { key }: { readonly key: string }) => caller(url, { authorization: `Bearer ${key}` })

describe('A key with labels', () => {
  it('A key with labels puts them on entries, messages, runs, schedules and answers, and is shown and rotated with them.', async () => {
    const served = await servers.start({ teams }, { authentication: 'required', rateLimit: false })
    const { apiKeys } = served.troupe
    const taint = ['untrusted:mail'] as const
    const first = await apiKeys.create({ name: 'gateway', users: ['ada'], role: 'moderator', taint })
    const second = await apiKeys.rotate(first.id)
    const ada = served.troupe.user('ada')
    for (const [n, key] of [first, second].entries()) {
      const call = as(served, key)
      expect((await call('PUT', `/v1/context/entries/note${n}`, { value: 'x' })).status).toBe(200)
      expect((await ada.context.getEntry(`note${n}`))?.taint).toEqual(taint)
      const batch = [{ type: 'push', key: `batch${n}`, value: 1 }]
      expect((await call('POST', '/v1/context/batch', { operations: batch })).status).toBe(200)
      expect((await ada.context.getEntry(`batch${n}`))?.taint).toEqual(taint)
      const { run } = (await call('POST', '/v1/runs', { team: 'solo', task: 1 })).body
      expect(await (await ada.orchestra.get(run)).result()).toMatchObject({ status: 'completed', taint })
      const scheduled = await call('POST', '/v1/schedules', { id: `s${n}`, team: 'solo', task: 1, every: '1d' })
      expect(scheduled.body).toMatchObject({ id: `s${n}`, apiKey: key.id })
      const triggered = await ada.schedules.trigger(`s${n}`)
      expect(await triggered.result()).toMatchObject({ taint })
      await call('POST', '/v1/messages', { to: 'Box', type: 'note', payload: 'x' })
    }
    const { items } = await ada.agent('Box').mailbox.messages()
    expect(items.map((message) => message.taint)).toEqual([taint, taint])
    for await (const key of await apiKeys.list()) expect(key.taint).toEqual(taint)
    await ada.context.push('own', 1)
    expect((await ada.context.getEntry('own'))?.taint).toEqual([])
  })

  it('A key that is bound to an agent labels what it writes with the agent, unless it declares its labels.', async () => {
    const served = await servers.start({ teams }, { authentication: 'required', rateLimit: false })
    const { apiKeys } = served.troupe
    const ada = served.troupe.user('ada')
    const own = { name: 'partner', users: ['ada'], agent: 'Partner' } as const
    const bound = await apiKeys.create(own)
    const rotated = await apiKeys.rotate(bound.id)
    const trusted = await apiKeys.create({ ...own, taint: [] })
    for (const [key, taint] of [
      [bound, ['untrusted:Partner']],
      [rotated, ['untrusted:Partner']],
      [trusted, []],
    ] as const) {
      expect((await as(served, key)('PUT', `/v1/context/entries/${key.id}`, { value: 'x' })).status).toBe(200)
      expect((await ada.context.getEntry(key.id))?.taint).toEqual(taint)
    }
  })

  it('A token with an agent labels what its caller writes with the agent, unless jwt.taint names the labels.', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    const token = await new SignJWT({ role: 'contributor', agent: 'Partner' })
      .setProtectedHeader({ alg: 'EdDSA' })
      .setIssuer('https://id.test')
      .setAudience('troupe')
      .setSubject('ada')
      .setExpirationTime('1h')
      .sign(privateKey)
    const jwt: JwtOptions = {
      issuer: 'https://id.test',
      audience: 'troupe',
      algorithms: ['EdDSA'],
      keys: { keys: [publicKey.export({ format: 'jwk' }) as never] },
    }
    for (const [options, taint] of [
      [{}, ['untrusted:Partner']],
      [{ taint: [] }, []],
      [{ taint: ['untrusted:mail'] }, ['untrusted:mail']],
    ] as const) {
      const served = await servers.start({ teams }, { authentication: 'required', jwt: { ...jwt, ...options } })
      expect((await as(served, { key: token })('PUT', '/v1/context/entries/k', { value: 'x' })).status).toBe(200)
      expect((await served.troupe.user('ada').context.getEntry('k'))?.taint).toEqual(taint)
    }
    const wrong = { authentication: 'required', jwt: { ...jwt, taint: ['web'] } } as never
    await expect(servers.start({ teams }, wrong)).rejects.toMatchObject({ code: 'validation.failed' })
  })

  it('A token is rejected only if it is invalid, and not because the keys of its issuer cannot be read.', async () => {
    const { privateKey } = generateKeyPairSync('ed25519')
    const keys = 'https://127.0.0.1:1/keys'
    const jwt = { issuer: 'https://id.test', audience: 'troupe', algorithms: ['EdDSA'], keys } as const
    const served = await servers.start({ teams }, { authentication: 'required', jwt })
    const answerTo = async (expiresIn: string) => {
      const token = new SignJWT({ sub: 'ada' }).setProtectedHeader({ alg: 'EdDSA' }).setExpirationTime(expiresIn)
      return as(served, { key: await token.sign(privateKey) })('GET', '/v1/runs')
    }
    const unknown = { status: 502, body: { code: 'external.failed', retryable: true } }
    expect(await answerTo('1h')).toMatchObject(unknown)
    expect(await answerTo('-1h')).toMatchObject({ status: 401 })
    const header = Buffer.from('{"alg":"EdDSA"}').toString('base64url')
    expect(await as(served, { key: `${header}.bm8.bm8` })('GET', '/v1/runs')).toMatchObject({ status: 401 })
    expect(await as(served, { key: 'no token' })('GET', '/v1/runs')).toMatchObject({ status: 401 })
  })

  it('A key with labels is created over HTTP, and an invalid label is rejected.', async () => {
    const { call, troupe } = await servers.start()
    const wanted = { name: 'n', users: ['ada'], taint: ['untrusted:web'] }
    expect((await call('POST', '/v1/api-keys', wanted)).status).toBe(201)
    expect((await call('GET', '/v1/api-keys')).body.items).toMatchObject([{ taint: ['untrusted:web'] }])
    expect((await call('POST', '/v1/api-keys', { ...wanted, taint: ['web'] })).status).toBe(400)
    const link = await troupe.apiKeys.link({ users: 'all', taint: ['untrusted:web'] })
    expect(await troupe.apiKeys.verify(link)).toMatchObject({ taint: ['untrusted:web'] })
  })
})

describe('A schedule that an API key made', () => {
  const clock = createVirtualClock({ start: Date.parse('2026-01-01T00:00:00Z') })
  let served: Served
  let events: TroupeEvent[]
  beforeEach(async () => {
    served = await servers.start({ teams, clock }, { authentication: 'required', rateLimit: false })
    events = []
    served.troupe.on('schedule.*', (event) => void events.push(event))
  })
  const keyOf = (users: readonly string[] = ['ada'], more = {}) =>
    served.troupe.apiKeys.create({ name: 'k', users, ...more })
  const runs = async () => (await served.troupe.user('ada').orchestra.list()).items.length
  /** After an hour. */
  const shown = async () => {
    await clock.advance('61m')
    const { schedules } = served.troupe.user('ada')
    await expect
      .poll(async () => {
        await clock.advance('5ms')
        const { state, next } = await schedules.get('s')
        return state !== 'active' || (next[0] ?? '') > new Date(clock.now()).toISOString()
      })
      .toBe(true)
    return schedules.get('s')
  }
  const hourly = { id: 's', team: 'solo', task: 1, every: '1h' }

  it.each([
    ['was revoked', {}, (id: string) => served.troupe.apiKeys.revoke(id)],
    ['has expired', { expiresIn: '30m' }, async () => {}],
  ])(
    'A schedule that an API key made pauses when the key %s, reports it, and continues once a caller with rights resumes it.',
    async (_, more, end) => {
      const key = await keyOf(['ada'], more)
      expect((await as(served, key)('POST', '/v1/schedules', hourly)).status).toBe(201)
      await end(key.id)
      const paused = await shown()
      expect(paused).toMatchObject({ state: 'paused', apiKey: key.id, problem: { code: 'schedule.unauthorized' } })
      expect(events).toContainEqual(expect.objectContaining({ type: 'schedule.unauthorized', apiKey: key.id }))
      expect(await runs()).toBe(0)
      const { checks } = await served.troupe.doctor()
      expect(checks.find(({ id }) => id === 'schedules.running')).toMatchObject({ status: 'warn' })
      await served.troupe.user('ada').schedules.trigger('s', { id: 'once' })
      expect(await served.troupe.user('ada').schedules.get('s')).toMatchObject({ problem: paused.problem })
      const other = await keyOf()
      const resumed = await as(served, other)('POST', '/v1/schedules/s/resume')
      expect(resumed.body).toMatchObject({ state: 'active', apiKey: other.id })
      expect(resumed.body.problem).toBeUndefined()
      expect(await shown()).toMatchObject({ state: 'active' })
      await expect.poll(runs).toBe(2)
    },
  )

  it('A schedule that an API key made pauses when the key no longer opens its user, and not for another user.', async () => {
    const both = await keyOf(['ada', 'bob'])
    const call = caller(served.url, { authorization: `Bearer ${both.key}`, 'troupe-user': 'bob' })
    expect((await call('POST', '/v1/schedules', hourly)).status).toBe(201)
    await served.troupe.forget('ada')
    await clock.advance('61m')
    const bob = served.troupe.user('bob')
    await expect.poll(async () => (await bob.orchestra.list()).items.length).toBe(1)
    expect(await bob.schedules.get('s')).toMatchObject({ state: 'active' })
  })

  it('A schedule that an API key made continues after a rotation of the key, until the successor ends.', async () => {
    const key = await keyOf()
    expect((await as(served, key)('POST', '/v1/schedules', hourly)).status).toBe(201)
    const successor = await served.troupe.apiKeys.rotate(key.id, { overlap: '0ms' })
    expect(await shown()).toMatchObject({ state: 'active' })
    await expect.poll(runs).toBe(1)
    await served.troupe.apiKeys.revoke(successor.id)
    expect(await shown()).toMatchObject({ state: 'paused' })
    expect(await runs()).toBe(1)
  })

  it.each(['sign-out', 'expiry'])(
    'A schedule that a page session made pauses when the session ends by %s.',
    async (end) => {
      const session = await served.troupe.apiKeys.signIn({ users: ['ada'] })
      const call = caller(served.url, { cookie: `troupe_session=${session.key}`, origin: served.url })
      const daily = { ...hourly, every: '13h' }
      expect((await call('POST', '/v1/schedules', end === 'expiry' ? daily : hourly)).status).toBe(201)
      if (end === 'sign-out') await served.troupe.apiKeys.endSession({ id: session.id })
      else await clock.advance('13h')
      const { schedules } = served.troupe.user('ada')
      if (end === 'expiry') await expect.poll(async () => (await schedules.get('s')).state).toBe('paused')
      expect(await shown()).toMatchObject({ state: 'paused', apiKey: session.id })
      expect(await runs()).toBe(0)
    },
  )

  it('A schedule that a token made pauses when the token has expired, and not before.', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    const keys = { keys: [{ ...publicKey.export({ format: 'jwk' }), alg: 'EdDSA' }] } as never
    const jwt = { issuer: 'https://id.test', audience: 'troupe', algorithms: ['EdDSA'], keys } as const
    const other = await servers.start({ teams, clock }, { jwt, rateLimit: false })
    const until = Math.floor(clock.now() / 1_000) + 5_400
    const key = await new SignJWT({ sub: 'ada', role: 'contributor' })
      .setProtectedHeader({ alg: 'EdDSA' })
      .setIssuer(jwt.issuer)
      .setAudience(jwt.audience)
      .setExpirationTime(until)
      .sign(privateKey)
    expect((await as(other, { key })('POST', '/v1/schedules', hourly)).status).toBe(201)
    const ada = other.troupe.user('ada')
    const state = async () => (await ada.schedules.get('s')).state
    await clock.advance('61m')
    await expect.poll(async () => (await ada.orchestra.list()).items.length).toBe(1)
    expect(await state()).toBe('active')
    await clock.advance('61m')
    await expect.poll(state).toBe('paused')
    expect(await ada.schedules.get('s')).toMatchObject({ apiKey: `token:ada:${until}` })
    expect((await ada.orchestra.list()).items).toHaveLength(1)
  })

  it('A schedule of the application is not bound to a key.', async () => {
    await served.troupe.user('ada').schedules.create(hourly as never)
    expect((await shown()).apiKey).toBeUndefined()
    await expect.poll(runs).toBe(1)
  })
})
