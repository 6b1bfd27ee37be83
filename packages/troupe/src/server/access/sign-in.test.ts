import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { TroupeConfig } from '../../configuration/index.ts'
import { createVirtualClock } from '../../core/index.ts'
import { partsOf } from '../../startup/index.ts'
import { caller, type Served, Servers } from '../server-testbed.test.fixture.ts'

const servers = new Servers()
afterEach(() => servers.close())
const longKey = 'k'.repeat(32)

describe('the address of the server', () => {
  it('A server on a public address needs a key, and cannot be opened without authentication.', async () => {
    const at = { host: '0.0.0.0' }
    await expect(servers.start({}, at)).rejects.toMatchObject({ code: 'server.exposed' })
    const open = { ...at, authentication: 'open', key: longKey } as const
    await expect(servers.start({}, open)).rejects.toMatchObject({ code: 'server.exposed' })
    const { call, url } = await servers.start({}, { ...at, key: longKey })
    const port = new URL(url).port
    expect((await call('GET', '/v1/runs')).status).toBe(401)
    const known = caller(`http://127.0.0.1:${port}`, { 'x-api-key': longKey })
    expect((await known('GET', '/v1/runs')).status).toBe(200)
  })
  it('A server on the loopback address in production needs a key too.', async () => {
    const encryption = { keys: [{ id: 'one', key: Buffer.alloc(32, 7).toString('base64') }], current: 'one' }
    const storage = `sqlite:${mkdtempSync(join(tmpdir(), 'troupe-server-'))}/troupe.db`
    const { call } = await servers.start({ profile: 'production', encryption, storage } as TroupeConfig)
    expect((await call('GET', '/v1/runs')).status).toBe(401)
    expect((await call('GET', '/health')).status).toBe(200)
  })
  it('A server rejects invalid options, each by name.', async () => {
    const wrong = (options: object) => expect(servers.start({}, options)).rejects
    await wrong({ prot: 1 }).toMatchObject({ code: 'option.unknown' })
    await wrong({ key: 'short' }).toMatchObject({ code: 'validation.failed' })
    await wrong({ bodyLimit: 1 }).toMatchObject({ code: 'validation.failed' })
    await wrong({ port: 70_000 }).toMatchObject({ code: 'validation.failed' })
    await wrong({ maxConnections: 0 }).toMatchObject({ code: 'validation.failed' })
    await wrong({ origins: ['example.com'] }).toMatchObject({ code: 'validation.failed' })
    await wrong({ publicUrl: 'troupe.test' }).toMatchObject({ code: 'validation.failed' })
    await wrong({ publicUrl: 'https://troupe.test/path' }).toMatchObject({ code: 'validation.failed' })
    await wrong({ trustProxy: ['proxy.test'] }).toMatchObject({ code: 'validation.failed' })
    await wrong({ trustProxy: true }).toMatchObject({ code: 'validation.failed' })
    await wrong({ origins: ['*'] }).toMatchObject({ code: 'validation.failed' })
    await wrong({ rateLimit: { max: 0 } }).toMatchObject({ code: 'validation.failed' })
    await wrong({ rateLimit: { maks: 1 } }).toMatchObject({ code: 'option.unknown' })
    await wrong({ heartbeat: 5 }).toMatchObject({ code: 'duration.invalid' })
    await wrong({ heartbeat: '0s' }).toMatchObject({ code: 'validation.failed' })
    await wrong({ requestTimeout: '0s' }).toMatchObject({ code: 'validation.failed' })
    await wrong({ rateLimit: { window: '0s' } }).toMatchObject({ code: 'validation.failed' })
    await wrong({ authentication: 'maybe' }).toMatchObject({ code: 'validation.failed' })
    const jwt = { issuer: 'i', audience: 'a', algorithms: ['EdDSA'], keys: { keys: [] } }
    await wrong({ jwt: { ...jwt, algorithms: ['HS256'] } }).toMatchObject({ code: 'validation.failed' })
    await wrong({ jwt: { ...jwt, algorithms: ['none'] } }).toMatchObject({ code: 'validation.failed' })
    await wrong({ jwt: { ...jwt, keys: 'http://insecure.test/keys' } }).toMatchObject({ code: 'validation.failed' })
    await wrong({ jwt: { ...jwt, issuers: 'x' } }).toMatchObject({ code: 'option.unknown' })
  })
  it('A server answers pages of its configured origins, and of no others.', async () => {
    const origin = 'https://app.test'
    const { call } = await servers.start({}, { origins: [origin], hosts: ['api.test'] })
    const found = await call('GET', '/v1/runs', undefined, { origin })
    expect(found.headers.get('access-control-allow-origin')).toBe(origin)
    const preflight = await call('OPTIONS', '/v1/runs', undefined, { origin, 'access-control-request-method': 'POST' })
    expect(preflight).toMatchObject({ status: 204 })
    expect((await call('GET', '/v1/runs', undefined, { origin: 'https://b.test' })).status).toBe(403)
  })
})

describe('a server behind a proxy', () => {
  const cookieOf = async (options: object, headers: Record<string, string> = {}) => {
    const served = await servers.start({}, options)
    const link = new URL(await served.link())
    const { headers: got } = await fetch(new URL(link.pathname + link.search, served.url), {
      headers,
      redirect: 'manual',
    })
    return { cookie: got.get('set-cookie') ?? '', link }
  }
  const forwarded = { 'x-forwarded-proto': 'https', 'x-forwarded-for': '203.0.113.7' }

  it('A server behind a proxy sets Secure cookies and gives links with its public address.', async () => {
    const { cookie, link } = await cookieOf({ publicUrl: 'https://troupe.test' })
    expect(cookie).toContain('; Secure')
    expect(link.origin).toBe('https://troupe.test')
  })

  it('A server behind a proxy uses forwarded headers of trusted proxies only.', async () => {
    expect((await cookieOf({}, forwarded)).cookie).not.toContain('Secure')
    expect((await cookieOf({ trustProxy: ['10.0.0.0/8'] }, forwarded)).cookie).not.toContain('Secure')
    expect((await cookieOf({ trustProxy: ['127.0.0.1'] }, forwarded)).cookie).toContain('; Secure')
  })

  it('A server behind a proxy limits failed sign-ins by the address of the caller, before it looks up the key.', async () => {
    const { troupe, url } = await servers.start(
      {},
      { authentication: 'required', key: longKey, rateLimit: { max: 3 }, trustProxy: ['127.0.0.1'] },
    )
    const lookups = vi.spyOn(troupe[partsOf].security.apiKeys, 'verify')
    const from = (address: string, key: string) =>
      caller(url, { 'x-forwarded-for': address, 'x-api-key': key })('GET', '/v1/runs')
    const guesses = []
    for (let i = 0; i < 6; i++) guesses.push((await from('203.0.113.7', `tk_guess_${i}`)).status)
    expect(guesses).toEqual([401, 401, 401, 429, 429, 429])
    expect(lookups.mock.calls.length).toBe(3)
    expect((await from('203.0.113.7', longKey)).status).toBe(429)
    expect((await from('203.0.113.8', longKey)).status).toBe(200)
  })

  it('A server limits the failed sign-ins of an IPv6 client by its /64.', async () => {
    const { url } = await servers.start(
      {},
      { authentication: 'required', key: longKey, rateLimit: { max: 3 }, trustProxy: ['127.0.0.1'] },
    )
    const from = async (address: string, key: string) =>
      (await caller(url, { 'x-forwarded-for': address, 'x-api-key': key })('GET', '/v1/runs')).status
    const guesses = []
    for (let i = 1; i < 6; i++) guesses.push(await from(`2001:db8::${i}`, `tk_guess_${i}`))
    expect(guesses).toEqual([401, 401, 401, 429, 429])
    expect([await from('2001:db8::7', longKey), await from('2001:db8:0:1::7', longKey)]).toEqual([429, 200])
  })
})

describe('keys over HTTP', () => {
  it('The routes of API keys create keys, show each once, and revoke them.', async () => {
    const { call, url } = await servers.start({}, { authentication: 'required', key: 'k'.repeat(32) })
    const host = { 'x-api-key': 'k'.repeat(32) }
    const made = await call('POST', '/v1/api-keys', { name: 'ci', users: ['ada'], operations: ['runs.read'] }, host)
    const status = async (key: string, path = '/v1/runs') =>
      (await caller(url, { 'x-api-key': key })('GET', path)).status
    const { id, key } = made.body
    expect([made.status, await status(key), await status(key, '/v1/agents')]).toEqual([201, 200, 403])
    const listed = await call('GET', '/v1/api-keys', undefined, host)
    expect(listed.body.items).toMatchObject([{ id, name: 'ci', operations: ['runs.read'], state: 'valid' }])
    expect(listed.text).not.toContain(key)
    const rotated = await call('POST', `/v1/api-keys/${id}/rotate`, { overlap: '1h' }, host)
    expect([rotated.status, await status(key), await status(rotated.body.key)]).toEqual([201, 200, 200])
    for (const one of [id, rotated.body.id])
      expect((await call('DELETE', `/v1/api-keys/${one}`, undefined, host)).status).toBe(200)
    expect([await status(key), await status(rotated.body.key)]).toEqual([401, 401])
    expect((await call('DELETE', `/v1/api-keys/${id}`, undefined, host)).body.code).toBe('key.unknown')
  })
})

describe('the page of the server', () => {
  const sessionOf = (answer: { headers: Headers }) => answer.headers.get('set-cookie')?.split(';')[0] ?? ''

  it('The page of the server opens by a link, once, and then by its cookie alone.', async () => {
    const { link, url } = await servers.start({}, { key: longKey })
    const address = await link({ users: ['ada'], role: 'contributor' })
    const path = address.slice(url.length)
    // A preview of the link in a chat is not the opening of it.
    expect((await caller(url)('HEAD', path)).headers.get('set-cookie')).toBe(null)
    const opened = await caller(url)('GET', path)
    expect(opened.status).toBe(303)
    expect(opened.headers.get('set-cookie')).toMatch(/HttpOnly; SameSite=Strict; Path=\/; Max-Age=43200$/)
    expect(opened.headers.get('cache-control')).toBe('no-store')
    expect(opened.headers.get('referrer-policy')).toBe('no-referrer')
    expect((await caller(url)('GET', path)).status).toBe(401)
    const page = caller(url, { cookie: `other=1; ${sessionOf(opened)}` })
    expect((await page('GET', '/v1/runs')).status).toBe(200)
    expect((await page('GET', '/v1/api-keys')).status).toBe(403)
    const start = { task: 1, agent: 'Echo' }
    const foreign = await page('POST', '/v1/runs', start)
    expect(foreign).toMatchObject({ status: 403, body: { code: 'request.foreign' } })
    const crossSite = await page('POST', '/v1/runs', start, { origin: url, 'sec-fetch-site': 'cross-site' })
    expect(crossSite.status).toBe(403)
    expect((await page('POST', '/v1/runs', start, { origin: url })).status).toBe(201)
    expect((await page('DELETE', '/session', undefined, { origin: url })).status).toBe(204)
    expect((await page('GET', '/v1/runs')).status).toBe(401)
  })
  it('The page of the server opens by a link that a caller with all rights requests.', async () => {
    const { call, url } = await servers.start({}, { key: longKey })
    const host = { 'x-api-key': longKey }
    const made = await call('POST', '/v1/links', { users: ['ada'], role: 'readonly' }, host)
    expect([made.status, made.body.path]).toEqual([201, expect.stringMatching(/^\/open\?link=tl_/)])
    const opened = await caller(url)('GET', made.body.path)
    const page = caller(url, { cookie: sessionOf(opened) })
    expect((await page('GET', '/v1/runs')).status).toBe(200)
    expect((await page('GET', '/v1/api-keys')).status).toBe(403)
    const everything = await caller(url)('GET', (await call('POST', '/v1/links', undefined, host)).body.path)
    expect((await caller(url, { cookie: sessionOf(everything) })('GET', '/v1/api-keys')).status).toBe(200)
    expect((await call('POST', '/v1/links', { role: 'king' }, host)).body.code).toBe('role.unknown')
  })
  it('The page of the server does not open by an invalid link or an expired one.', async () => {
    const clock = createVirtualClock()
    const { call, link, url, troupe } = await servers.start({ clock }, { key: longKey })
    const { key } = await troupe.apiKeys.create({ name: 'n', users: 'all' })
    for (const wrong of ['', 'x', key, 'tl_0', '%00'])
      expect((await call('GET', `/open?link=${wrong}`)).status).toBe(401)
    const old = (await link()).slice(url.length)
    await clock.advance('5m')
    expect((await call('GET', old)).status).toBe(401)
  })
})

describe('sign-in with an API key', () => {
  const start = async (options: object = {}) => {
    const served = await servers.start({}, { authentication: 'required', key: longKey, ...options })
    const signIn = (key: string, headers = {}) =>
      served.call('POST', '/session', undefined, { 'x-api-key': key, ...headers })
    const pageOf = (answer: { headers: Headers }) =>
      caller(served.url, { cookie: answer.headers.get('set-cookie')?.split(';')[0] ?? '' })
    return { ...served, signIn, pageOf }
  }

  it('A sign-in with an API key opens a session with the scope of the key, which is recorded.', async () => {
    const { troupe, signIn, pageOf, url } = await start()
    const made = await troupe.apiKeys.create({ name: 'desk', users: ['ada'], operations: ['runs.*'] })
    const opened = await signIn(made.key)
    expect(opened.status).toBe(204)
    expect(opened.headers.get('set-cookie')).toMatch(
      /^troupe_session=ts_\S+; HttpOnly; SameSite=Strict; Path=\/; Max-Age=43200$/,
    )
    expect(opened.headers.get('cache-control')).toBe('no-store')
    const page = pageOf(opened)
    expect((await page('GET', '/session')).body).toEqual({ isPresent: true, provider: false })
    expect((await page('GET', '/v1/access')).body).toMatchObject({ users: ['ada'], role: 'contributor' })
    expect((await page('GET', '/v1/agents')).status).toBe(403)
    const { items } = await troupe.audit.list({ operation: 'login' })
    expect(items).toMatchObject([{ operation: 'login', allowed: true, user: 'ada' }])
    expect((await page('DELETE', '/session', undefined, { origin: url })).status).toBe(204)
    expect((await page('GET', '/v1/runs')).status).toBe(401)
  })
  it('A session of an API key ends when the key is revoked, expires or is rotated.', async () => {
    const clock = createVirtualClock()
    const { troupe, signIn, pageOf } = await start({})
    const ends = await servers.start({ clock }, { authentication: 'required' })
    const revoked = await troupe.apiKeys.create({ name: 'one', users: 'all' })
    const first = pageOf(await signIn(revoked.key))
    expect((await first('GET', '/v1/runs')).status).toBe(200)
    await troupe.apiKeys.revoke(revoked.id)
    expect((await first('GET', '/v1/runs')).status).toBe(401)
    const expiring = await ends.troupe.apiKeys.create({ name: 'two', users: ['ada'], expiresIn: '1h' })
    const rotated = await ends.troupe.apiKeys.create({ name: 'three', users: ['ada'] })
    const pages = await Promise.all(
      [expiring, rotated].map(async ({ key }) => {
        const { headers } = await ends.call('POST', '/session', undefined, { 'x-api-key': key })
        return caller(ends.url, { cookie: headers.get('set-cookie')?.split(';')[0] ?? '' })
      }),
    )
    await ends.troupe.apiKeys.rotate(rotated.id, { overlap: '30m' })
    const states = () => Promise.all(pages.map(async (page) => (await page('GET', '/v1/runs')).status))
    expect(await states()).toEqual([200, 200])
    await clock.advance('30m')
    expect(await states()).toEqual([200, 401])
    await clock.advance('30m')
    expect(await states()).toEqual([401, 401])
  })
  it('A link, and the session that it opens, end with the key or session that made the link.', async () => {
    const { troupe, url, link: linkOfHost } = await start()
    const linkFrom = async (call: Served['call'], headers = {}) =>
      (await call('POST', '/v1/links', {}, headers)).body as { readonly path: string }
    const open = async (path: string) => {
      const { status, headers } = await caller(url)('GET', path)
      return { status, page: caller(url, { cookie: headers.get('set-cookie')?.split(';')[0] ?? '', origin: url }) }
    }
    const made = await troupe.apiKeys.create({ name: 'stolen', users: 'all', role: 'admin' })
    const withKey = caller(url, { 'x-api-key': made.key })
    const [used, unused] = [await linkFrom(withKey), await linkFrom(withKey)]
    const first = await open(used.path)
    const second = await open((await linkFrom(first.page)).path)
    const unusedOfSession = await linkFrom(second.page)
    const stateOf = async ({ page }: { readonly page: Served['call'] }) => (await page('GET', '/v1/api-keys')).status
    expect([await stateOf(first), await stateOf(second)]).toEqual([200, 200])
    await troupe.apiKeys.revoke(made.id)
    expect([await stateOf(first), await stateOf(second)]).toEqual([401, 401])
    for (const { path } of [unused, unusedOfSession]) expect(await stateOf(await open(path))).toBe(401)

    const host = new URL(await linkOfHost())
    const own = await open(`${host.pathname}${host.search}`)
    const child = await open((await linkFrom(own.page)).path)
    expect(await stateOf(child)).toBe(200)
    await own.page('DELETE', '/session')
    expect(await stateOf(child)).toBe(401)
  })
  it('The key of the server opens a session with all rights.', async () => {
    const { signIn, pageOf } = await start()
    expect((await pageOf(await signIn(longKey))('GET', '/v1/api-keys')).status).toBe(200)
  })
  it('A sign-in is rejected with anything but a valid API key, and its failures are limited and recorded.', async () => {
    const { troupe, url, call, signIn, link } = await start({ rateLimit: { max: 8 } })
    const revoked = await troupe.apiKeys.create({ name: 'old', users: ['ada'] })
    await troupe.apiKeys.revoke(revoked.id)
    const secret = new URL(await link()).searchParams.get('link') ?? ''
    const opened = await caller(url)('GET', `/open?link=${secret}`)
    const cookie = opened.headers.get('set-cookie')?.split(';')[0] ?? ''
    const { key } = await troupe.apiKeys.create({ name: 'good', users: ['ada'] })
    // A page of another site can send the cookie, but no key.
    expect((await signIn(key, { origin: 'https://evil.test' })).status).toBe(403)
    expect((await call('POST', '/session', undefined, { cookie, origin: url })).status).toBe(401)
    const wrong = [revoked.key, secret, cookie.slice('troupe_session='.length), 'tk_0', '', `${key}x`, key.slice(0, -1)]
    for (const one of wrong) {
      const answer = await signIn(one)
      expect([answer.status, answer.headers.get('set-cookie')]).toEqual([401, null])
    }
    expect((await troupe.audit.list({ operation: 'login' })).items.filter(({ allowed }) => !allowed)).toHaveLength(8)
    for (let i = 0; i < 3; i++) await signIn('guess')
    expect((await signIn(key)).status).toBe(429)
  })
})

it('A sign-in by a link and a sign-out are limited before the link or the session is looked up, and a wrong link is recorded.', async () => {
  const started = await servers.start(
    {},
    { authentication: 'required', rateLimit: { max: 3 }, trustProxy: ['127.0.0.1'] },
  )
  const { troupe, url } = started
  const lookups = vi.spyOn(troupe[partsOf].security.apiKeys, 'verify')
  const guess = '0'.repeat(16)
  const requests = {
    link: (address: string) => caller(url, { 'x-forwarded-for': address })('GET', `/open?link=tl_${guess}`),
    session: (address: string) =>
      caller(url, { 'x-forwarded-for': address, cookie: `troupe_session=ts_${guess}` })('DELETE', '/session'),
    none: (address: string) =>
      caller(url, { 'x-forwarded-for': address, cookie: 'troupe_session=x' })('DELETE', '/session'),
  }
  const statuses = async (send: (address: string) => Promise<{ status: number }>, address: string) => {
    const all: number[] = []
    for (let i = 0; i < 5; i++) all.push((await send(address)).status)
    return all
  }
  expect(await statuses(requests.link, '203.0.113.7')).toEqual([401, 401, 401, 429, 429])
  expect(await statuses(requests.session, '203.0.113.8')).toEqual([204, 204, 204, 429, 429])
  expect(lookups).toHaveBeenCalledTimes(6)
  expect(await statuses(requests.none, '203.0.113.9')).toEqual([204, 204, 204, 204, 204])
  expect(lookups).toHaveBeenCalledTimes(6)
  await troupe.audit.flush()
  const { items } = await troupe.audit.incidents({ operation: 'login' })
  expect(items.map(({ reason }) => reason)).toEqual(Array(3).fill('request.anonymous'))
})

describe('a rate limit over HTTP', () => {
  it('A rate limit over HTTP rejects requests by key, or by address without a key, and says when to retry.', async () => {
    const { troupe, url, call } = await servers.start({}, { authentication: 'required', rateLimit: { max: 3 } })
    const made = await Promise.all(['a', 'b'].map((name) => troupe.apiKeys.create({ name, users: ['ada'] })))
    const [one, other] = made.map(({ key }) => caller(url, { authorization: `Bearer ${key}` })) as [
      typeof call,
      typeof call,
    ]
    for (let left = 2; left >= 0; left--) {
      const answer = await one('GET', '/v1/runs')
      expect(answer.status).toBe(200)
      expect(answer.headers.get('ratelimit-remaining')).toBe(String(left))
    }
    const rejected = await one('GET', '/v1/runs')
    expect(rejected).toMatchObject({ status: 429, body: { code: 'rate.limited', retryable: true } })
    expect(Number(rejected.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await other('GET', '/v1/runs')).status).toBe(200)
    for (let i = 0; i < 3; i++)
      expect((await call('GET', '/v1/runs', undefined, { 'x-api-key': `guess ${i}` })).status).toBe(401)
    expect((await call('GET', '/v1/runs', undefined, { 'x-api-key': 'another guess' })).status).toBe(429)
    expect((await call('GET', '/health')).status).toBe(200)
  })
})
