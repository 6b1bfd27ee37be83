/** Sign-in by a provider that runs here: what it answers is checked, and a good answer becomes a session. */
import { hash } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTroupe } from '../../startup/index.ts'
import { troupePlugin } from '../index.ts'
import { type CallServer, caller, type Served, Servers } from '../server-testbed.test.fixture.ts'

/** What the next answer of the provider differs in. */
interface Difference {
  claims?: Record<string, unknown>
  issuer?: string
  audience?: string
  expiresIn?: number
  key?: Parameters<SignJWT['sign']>[0]
}

describe('sign-in by an OpenID provider', () => {
  const servers = new Servers()
  const clientId = 'troupe-studio'
  const clientSecret = 'a secret of the client'
  /** What each code was given out for. */
  const codes = new Map<string, { readonly challenge: string; readonly nonce: string }>()
  let next: Difference = {}
  let provider: Server
  let issuer: string
  let served: Served
  let call: CallServer

  beforeAll(async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256')
    const jwk = { ...(await exportJWK(publicKey)), alg: 'ES256', kid: 'one', use: 'sig' }
    provider = createServer(async (request, response) => {
      const json = (value: unknown, status = 200) =>
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
      if (request.url === '/.well-known/openid-configuration')
        return json({
          issuer,
          authorization_endpoint: `${issuer}/authorize`,
          token_endpoint: `${issuer}/token`,
          jwks_uri: `${issuer}/keys`,
          response_types_supported: ['code'],
          subject_types_supported: ['public'],
          id_token_signing_alg_values_supported: ['ES256'],
          code_challenge_methods_supported: ['S256'],
        })
      if (request.url === '/keys') return json({ keys: [jwk] })
      let text = ''
      for await (const chunk of request) text += chunk
      const form = new URLSearchParams(text)
      const known = codes.get(form.get('code') ?? '')
      codes.delete(form.get('code') ?? '')
      const sent = Buffer.from((request.headers.authorization ?? '').replace('Basic ', ''), 'base64').toString()
      const [client, secret] = sent.split(':').map((one) => decodeURIComponent(one.replaceAll('+', ' ')))
      const challenge = hash('sha256', form.get('code_verifier') ?? '', 'base64url')
      if (!known || known.challenge !== challenge || client !== clientId || secret !== clientSecret)
        return json({ error: 'invalid_grant' }, 400)
      const token = await new SignJWT({ nonce: known.nonce, roles: ['staff'], ...next.claims })
        .setProtectedHeader({ alg: 'ES256', kid: 'one' })
        .setSubject('ada')
        .setIssuer(next.issuer ?? issuer)
        .setAudience(next.audience ?? clientId)
        .setIssuedAt()
        .setExpirationTime(Math.floor(Date.now() / 1_000) + (next.expiresIn ?? 300))
        .sign(next.key ?? privateKey)
      return json({ access_token: 'opaque', token_type: 'Bearer', id_token: token })
    })
    await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve))
    issuer = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`
    const roles = { admins: { role: 'admin', users: 'all' }, staff: 'contributor' } as const
    const oidc = { issuer, clientId, clientSecret, roles }
    served = await servers.start({ egress: { privateAddresses: ['127.0.0.1'] } }, { oidc, rateLimit: { max: 60 } })
    call = caller(served.url)
  })
  afterAll(async () => {
    await servers.close()
    provider.closeAllConnections()
    await new Promise((resolve) => provider.close(resolve))
  })

  const cookieIn = ({ headers }: { headers: Headers }, name: string) =>
    headers.getSetCookie().find((one) => one.startsWith(name) && !/^\w[\w-]*=;/.test(one))
  /** As a browser: begins here, is sent to the provider, which knows the person, and comes back. */
  async function signIn(difference: Difference = {}, change: (back: URL, cookie: string) => string = (_, one) => one) {
    next = difference
    const begun = await call('GET', '/login')
    expect(begun.status).toBe(303)
    const asked = new URL(begun.headers.get('location') ?? '')
    const one = (name: string) => asked.searchParams.get(name) ?? ''
    expect([asked.origin, one('client_id'), one('code_challenge_method')]).toEqual([issuer, clientId, 'S256'])
    const code = `code-${codes.size}-${one('state')}`
    codes.set(code, { challenge: one('code_challenge'), nonce: one('nonce') })
    const back = new URL(one('redirect_uri'))
    back.searchParams.set('code', code)
    back.searchParams.set('state', one('state'))
    const cookie = change(back, cookieIn(begun, 'troupe_login')?.split(';')[0] ?? '')
    return { back, cookie, answer: await call('GET', back.pathname + back.search, undefined, { cookie }) }
  }

  it('A sign-in by an OpenID provider opens a session of its user, within the role that the provider names.', async () => {
    const begun = await call('GET', '/login')
    expect(cookieIn(begun, 'troupe_login')).toMatch(/HttpOnly; SameSite=Lax; Path=\/login; Max-Age=600$/)
    const { answer } = await signIn()
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/'])
    expect(cookieIn(answer, 'troupe_session')).toMatch(/HttpOnly; SameSite=Strict; Path=\/; Max-Age=43200$/)
    const page = caller(served.url, { cookie: cookieIn(answer, 'troupe_session')?.split(';')[0] ?? '' })
    expect((await page('GET', '/v1/runs')).status).toBe(200)
    expect((await page('GET', '/v1/runs', undefined, { 'troupe-user': 'ben' })).status).toBe(403)
    expect((await page('GET', '/v1/api-keys')).status).toBe(403)
    const admin = await signIn({ claims: { roles: ['other', 'admins'] } })
    const all = caller(served.url, { cookie: cookieIn(admin.answer, 'troupe_session')?.split(';')[0] ?? '' })
    expect((await all('GET', '/v1/api-keys')).status).toBe(200)
    await served.troupe.audit.flush()
    const { items } = await served.troupe.audit.list({ user: 'ada', operation: 'login' })
    expect(items).toMatchObject([{ actor: 'host', allowed: true, key: items[0]?.resource }])
  })

  it('A sign-in by an OpenID provider is needed without a key, on the loopback address too.', async () => {
    expect((await call('GET', '/v1/runs')).status).toBe(401)
  })

  it('A sign-in by an OpenID provider rejects a token with another nonce, state, audience, issuer or key, and an expired one.', async () => {
    const { privateKey } = await generateKeyPair('ES256')
    const other: Readonly<Record<string, Difference>> = {
      nonce: { claims: { nonce: 'another' } },
      audience: { audience: 'another-client' },
      issuer: { issuer: 'https://other.test' },
      expired: { expiresIn: -300 },
      key: { key: privateKey },
      'no role': { claims: { roles: ['visitors'] } },
    }
    for (const [what, difference] of Object.entries(other)) {
      const { answer } = await signIn(difference)
      expect([what, answer.status, answer.body?.code]).toEqual([what, 401, 'login.rejected'])
      expect(cookieIn(answer, 'troupe_session')).toBeUndefined()
    }
    const changes: Readonly<Record<string, (back: URL, cookie: string) => string>> = {
      state: (back, cookie) => {
        back.searchParams.set('state', 'another')
        return cookie
      },
      'no cookie': () => '',
      'a cookie of another sign-in': (back) =>
        `troupe_login_${back.searchParams.get('state')}=${Buffer.from('{"state":"a","nonce":"b","verifier":"c"}').toString('base64url')}`,
      code: (back, cookie) => {
        back.searchParams.set('code', 'stolen')
        return cookie
      },
    }
    for (const [what, change] of Object.entries(changes)) {
      const { answer } = await signIn({}, change)
      expect([what, answer.status, answer.body?.code]).toEqual([what, 401, 'login.rejected'])
    }
    await served.troupe.audit.flush()
    const { items } = await served.troupe.audit.incidents({ operation: 'login' })
    expect(items).toHaveLength(Object.keys(other).length + Object.keys(changes).length)
  })

  it('A sign-in by an OpenID provider that rejects the person says so, unless the answer is for another sign-in.', async () => {
    const withError = (back: URL, cookie: string, error: string) => {
      back.searchParams.delete('code')
      back.searchParams.set('error', error)
      return cookie
    }
    const denied = await signIn({}, (back, cookie) => withError(back, cookie, 'access_denied'))
    expect(denied.answer.body).toMatchObject({ code: 'login.rejected' })
    expect(JSON.stringify(denied.answer.body)).toContain('the provider answered access_denied')
    const forged = await signIn({}, (back, cookie) => withError(back, cookie, '<b>call 555</b>'))
    expect(JSON.stringify(forged.answer.body)).not.toContain('call 555')
    const other = await signIn({}, (back, cookie) => {
      back.searchParams.set('state', 'another')
      return withError(back, cookie, 'access_denied')
    })
    expect(JSON.stringify(other.answer.body)).not.toContain('access_denied')
  })

  it('A sign-in by an OpenID provider works in two tabs of a browser, and up to five are pending.', async () => {
    next = {}
    const cookies = new Map<string, string>()
    const visit = async (path: string) => {
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
      const answer = await call('GET', path, undefined, { cookie })
      for (const one of answer.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(one) ?? []
        if (value === '') cookies.delete(name)
        else cookies.set(name, value)
      }
      return answer
    }
    const asked = []
    for (let i = 0; i < 7; i++) asked.push(new URL((await visit('/login')).headers.get('location') ?? '').searchParams)
    expect(cookies.size).toBe(5)
    const statuses = []
    for (const one of [asked[0], asked[4], asked[6], asked[5]]) {
      const [state = '', nonce = '', challenge = ''] = ['state', 'nonce', 'code_challenge'].map(
        (name) => one?.get(name) ?? '',
      )
      codes.set(`tab-${state}`, { challenge, nonce })
      statuses.push((await visit(`/login/callback?code=tab-${state}&state=${state}`)).status)
    }
    expect(statuses).toEqual([401, 303, 303, 303])
  })

  it('A sign-in by an OpenID provider under a prefix has its cookie for the address to which the provider returns.', async () => {
    await using troupe = await createTroupe({
      storage: 'memory:',
      log: 'silent',
      egress: { privateAddresses: ['127.0.0.1'] },
    })
    const app = Fastify({ routerOptions: { maxParamLength: 4_096 } })
    const oidc = { issuer, clientId, role: 'readonly' }
    await app.register(troupePlugin, { troupe, prefix: '/agents', oidc, publicUrl: 'https://host.test' })
    const { headers } = await app.inject({ url: '/agents/login', headers: { host: 'host.test' } })
    const back = new URL(new URL(String(headers.location)).searchParams.get('redirect_uri') ?? '')
    const path = /Path=([^;]+)/.exec(String(headers['set-cookie']))?.[1]
    expect([back.pathname.startsWith(`${path}/`), path]).toEqual([true, '/agents/login'])
    await app.close()
  })

  it('A sign-in by an OpenID provider accepts a code once.', async () => {
    const { back, cookie, answer } = await signIn()
    expect(answer.status).toBe(303)
    expect((await call('GET', back.pathname + back.search, undefined, { cookie })).status).toBe(401)
  })

  it("A sign-in by an OpenID provider sends no request to a host that is not the issuer's.", async () => {
    const astray = createServer((_, response) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end(
        JSON.stringify({
          issuer: `http://127.0.0.1:${(astray.address() as AddressInfo).port}`,
          authorization_endpoint: `${issuer}/authorize`,
          token_endpoint: `${issuer}/token`,
          jwks_uri: `${issuer}/keys`,
        }),
      ),
    )
    await new Promise<void>((resolve) => astray.listen(0, '127.0.0.1', resolve))
    const oidc = { issuer: `http://127.0.0.1:${(astray.address() as AddressInfo).port}`, clientId, role: 'readonly' }
    const { url } = await servers.start({ egress: { privateAddresses: ['127.0.0.1'] } }, { oidc })
    const begun = await caller(url)('GET', '/login')
    expect(begun.status).toBe(303)
    const state = new URL(begun.headers.get('location') ?? '').searchParams.get('state')
    const cookie = cookieIn(begun, 'troupe_login')?.split(';')[0] ?? ''
    const before = codes.size
    const answer = await caller(url)('GET', `/login/callback?code=x&state=${state}`, undefined, { cookie })
    expect([answer.status, codes.size]).toEqual([401, before])
    astray.closeAllConnections()
    await new Promise((resolve) => astray.close(resolve))
  })

  it('A sign-in by an OpenID provider that cannot be reached is a retryable failure and counts for no address.', async () => {
    const seen: string[] = []
    let isDown = true
    const failing = createServer((request, response) => {
      seen.push(request.url ?? '')
      if (isDown || request.url === '/token') return response.writeHead(503).end()
      const own = `http://127.0.0.1:${(failing.address() as AddressInfo).port}`
      const metadata = { issuer: own, authorization_endpoint: `${own}/authorize`, token_endpoint: `${own}/token` }
      return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(metadata))
    })
    await new Promise<void>((resolve) => failing.listen(0, '127.0.0.1', resolve))
    const oidc = { issuer: `http://127.0.0.1:${(failing.address() as AddressInfo).port}`, clientId, role: 'readonly' }
    const { url, troupe } = await servers.start({}, { oidc })
    const failed = { status: 502, body: { code: 'external.failed', retryable: true } }
    expect(await caller(url)('GET', '/login')).toMatchObject(failed)
    isDown = false
    const begun = await caller(url)('GET', '/login')
    const state = new URL(begun.headers.get('location') ?? '').searchParams.get('state')
    const cookie = cookieIn(begun, 'troupe_login')?.split(';')[0] ?? ''
    const back = `/login/callback?code=x&state=${state}`
    expect(await caller(url)('GET', back, undefined, { cookie })).toMatchObject(failed)
    expect(seen).toContain('/token')
    await troupe.audit.flush()
    expect((await troupe.audit.incidents({ operation: 'login' })).items).toEqual([])
    failing.closeAllConnections()
    await new Promise((resolve) => failing.close(resolve))
  })

  it('A sign-in by an OpenID provider rejects unsafe options.', async () => {
    const good = { issuer: 'https://id.test', clientId: 'c' }
    for (const oidc of [
      { ...good, issuer: 'http://id.test' },
      { ...good, issuer: 'id.test' },
      { ...good, clientId: '' },
      { ...good, secret: 'x' },
      { ...good, roles: { staff: { role: 'admin', users: ['ada'] } } },
      { ...good, claims: { usr: 'sub' } },
    ])
      await expect(servers.start({}, { oidc: oidc as never })).rejects.toMatchObject({ name: 'ValidationError' })
    await expect(servers.start({}, { oidc: good, host: '0.0.0.0' })).rejects.toThrow('publicUrl')
  })
})
