import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadConfig } from '../configuration/index.ts'
import { secretRef } from '../security/index.ts'
import { partsIn } from '../startup/index.ts'
import { type ServerOptions, serve } from './index.ts'
import { caller, Servers } from './server-testbed.test.fixture.ts'

const servers = new Servers()
let cwd: string
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'troupe-server-config-'))
})
afterEach(async () => {
  await servers.close()
  rmSync(cwd, { recursive: true, force: true })
})

const longKey = 'k'.repeat(32)
const read = async (file: object, env: Readonly<Record<string, string>> = {}) => {
  writeFileSync(join(cwd, 'troupe.config.json'), JSON.stringify({ server: { port: 0, ...file } }))
  const { server, problems } = await loadConfig({ cwd, env })
  expect(problems).toEqual([])
  return server
}
const served = async (file: object, env?: Readonly<Record<string, string>>) => servers.start({}, await read(file, env))

/** Every option of `serve` with a text that its variable may have: a new one does not compile without. */
const texts: Readonly<Record<keyof ServerOptions, string>> = {
  host: '127.0.0.1',
  port: '0',
  authentication: 'required',
  key: longKey,
  jwt: '{"issuer":"https://id.test","audience":"troupe","algorithms":["EdDSA"],"keys":{"keys":[]}}',
  oidc: '{"issuer":"https://id.test","clientId":"troupe","roles":{"staff":"contributor"}}',
  hosts: 'api.test, other.test',
  origins: 'https://app.test',
  publicUrl: 'https://troupe.test',
  trustProxy: '127.0.0.1, 10.0.0.0/8',
  bodyLimit: '2048',
  rateLimit: '{"max":3,"window":"1h"}',
  maxStreams: '7',
  heartbeat: '5s',
  metrics: '{"port":0}',
  drain: '2s',
  maxConnections: '100',
  maxConnectionsPerAddress: '50',
  requestTimeout: '3s',
}

describe('the server section of a configuration', () => {
  it('The server section of a configuration has every option of serve, in the file and as a variable.', async () => {
    const variable = (name: string) => `TROUPE_SERVER_${name.replace(/([A-Z])/g, '_$1').toUpperCase()}`
    const env = Object.fromEntries(Object.entries(texts).map(([name, text]) => [variable(name), text]))
    const { server, problems } = await loadConfig({ cwd, env })
    expect(problems).toEqual([])
    expect(Object.keys(server).sort()).toEqual(Object.keys(texts).sort())
    writeFileSync(join(cwd, 'troupe.config.json'), JSON.stringify({ server }))
    expect((await loadConfig({ cwd, env: {} })).server).toEqual(server)
    await servers.start({}, server)
  })

  it('The server section of a configuration limits requests and bodies, and later sources take precedence.', async () => {
    const bounds = { key: longKey, bodyLimit: 2_048, rateLimit: { max: 50 } }
    const { url } = await served(bounds, { TROUPE_SERVER_RATE_LIMIT_MAX: '3' })
    const call = caller(url, { 'x-api-key': longKey })
    expect((await call('POST', '/v1/runs', { task: 'x'.repeat(3_000) })).status).toBe(413)
    const some = await Promise.all(Array.from({ length: 4 }, () => call('GET', '/v1/runs')))
    expect(some.map(({ status }) => status)).toContain(429)
    const free = caller((await served({ key: longKey, rateLimit: false })).url, { 'x-api-key': longKey })
    const answers = await Promise.all(Array.from({ length: 120 }, () => free('GET', '/v1/runs')))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
  })

  it('The server listens on port 8000 of the loopback address, and accepts 100 requests a minute by key, by default.', async () => {
    const { troupe } = await servers.start()
    // Somebody else may be there: then it is told where.
    const usual = await serve(troupe).then(
      async (server) => {
        await server.close()
        return server.url
      },
      ({ code, details }) => `${code === 'server.address_in_use' ? 'http:' : code}//${details.host}:${details.port}`,
    )
    expect(usual).toBe('http://127.0.0.1:8000')
    const { url, link } = await servers.start({}, { key: longKey })
    const first = await caller(url, { 'x-api-key': longKey })('GET', '/v1/runs')
    expect([first.headers.get('ratelimit-limit'), first.headers.get('ratelimit-reset')]).toEqual(['100', '60'])
    const opened = await caller(url)('GET', (await link()).slice(url.length))
    const cookie = opened.headers.get('set-cookie')?.split(';')[0] ?? ''
    const page = await caller(url, { cookie })('GET', '/v1/runs')
    expect(page.headers.get('ratelimit-limit')).toBe('1000')
  })

  it('The server reads its key from the secrets, and follows a replacement.', async () => {
    let value = longKey
    const secrets = [
      { get: (name: string) => (name === 'SERVER_KEY' ? { value, expiresAt: Date.now() + 50 } : undefined) },
    ]
    const { url } = await servers.start({ secrets } as never, { key: secretRef('SERVER_KEY') })
    const asked = async (key: string) => (await caller(url, { 'x-api-key': key })('GET', '/v1/runs')).status
    expect(await asked(longKey)).toBe(200)
    value = 'n'.repeat(32)
    await expect.poll(() => asked(value)).toBe(200)
    expect(await asked(longKey)).toBe(401)
    value = 'short'
    await expect(servers.start({ secrets } as never, { key: secretRef('SERVER_KEY') })).rejects.toMatchObject({
      code: 'validation.failed',
    })
  })

  it('The server limits the connections that are open at once.', async () => {
    const { url } = await served({ maxConnections: 2 })
    const { hostname, port } = new URL(url)
    const sockets: Socket[] = []
    const open = async () => {
      const socket = connect(Number(port), hostname)
      sockets.push(socket)
      socket.on('error', () => {})
      socket.write('GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
      return new Promise<string>((resolve) =>
        socket.once('data', (data) => resolve(String(data))).once('close', () => resolve('closed')),
      )
    }
    try {
      expect([await open(), await open()]).toEqual(Array(2).fill(expect.stringMatching(/^HTTP\/1.1 200/)))
      expect(await open()).toBe('closed')
      const [first] = sockets
      first?.destroy()
      await expect.poll(open).toMatch(/^HTTP\/1.1 200/)
    } finally {
      for (const socket of sockets) socket.destroy()
    }
  })

  it('The server section of a configuration names the allowed hosts and origins.', async () => {
    const { call } = await served({ hosts: ['api.test'], origins: ['https://app.test'] })
    expect((await call('GET', '/v1/runs', undefined, { origin: 'https://app.test' })).status).toBe(200)
    expect((await call('GET', '/v1/runs', undefined, { origin: 'https://other.test' })).status).toBe(403)
    const required = await served({ authentication: 'required' })
    expect((await required.call('GET', '/v1/runs')).status).toBe(401)
  })

  it('The server accepts the names of its hosts in any case.', async () => {
    const { app } = await served({ hosts: ['API.Test'] })
    const statusFor = async (host: string) => (await app.inject({ url: '/health', headers: { host } })).statusCode
    expect([await statusFor('api.test'), await statusFor('Api.TEST:80'), await statusFor('other.test')]).toEqual([
      200, 200, 403,
    ])
  })

  it('The server names the nearest of all its options, and leaves nothing behind if it does not start.', async () => {
    const { troupe } = await servers.start()
    const jwt = { issuer: 'https://id.test', audience: 'troupe', algorithms: ['EdDSA'], keys: { keys: [] } } as const
    const oidc = { issuer: 'https://id.test', clientId: 'troupe' }
    const king = { code: 'role.unknown', message: expect.stringContaining('king') }
    for (const [options, error] of [
      [{ prot: 0 }, { code: 'option.unknown', hint: 'Did you mean port?' }],
      [{ metrics: { port: -1 } }, { code: 'validation.failed', message: expect.stringContaining('metrics.port') }],
      [{ jwt: { ...jwt, role: 'king' } }, king],
      [{ oidc: { ...oidc, role: 'king' } }, king],
      [{ oidc: { ...oidc, roles: { staff: { role: 'king', users: 'all' } } } }, king],
    ] as const)
      await expect(serve(troupe, { port: 0, ...options } as ServerOptions)).rejects.toMatchObject(error)
    expect(partsIn(troupe).work.served.size).toBe(1)
  })

  it('The server listens on a public address if the storage has a usable API key, and otherwise says how to create one.', async () => {
    const outside = await read({ host: '0.0.0.0' })
    const { troupe } = await servers.start()
    const rejected = {
      code: 'server.exposed',
      hint: expect.stringContaining('`troupe api-keys create NAME`'),
    }
    await expect(serve(troupe, outside)).rejects.toMatchObject(rejected)
    const { id } = await troupe.apiKeys.create({ name: 'ended', users: 'all' })
    await troupe.apiKeys.revoke(id)
    await expect(serve(troupe, outside)).rejects.toMatchObject(rejected)
    const { key } = await troupe.apiKeys.create({ name: 'ci', users: 'all' })
    await using server = await serve(troupe, outside)
    const at = `http://127.0.0.1:${server.port}`
    expect((await caller(at)('GET', '/v1/runs')).status).toBe(401)
    expect((await caller(at, { 'x-api-key': key })('GET', '/v1/runs')).status).toBe(200)
  })

  it('The server accepts tokens of an issuer in place of a key, on a public address too.', async () => {
    const { publicKey, privateKey } = await generateKeyPair('EdDSA')
    const keys = { keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'EdDSA' }] }
    const jwt = { issuer: 'https://id.test', audience: 'troupe', algorithms: ['EdDSA'], keys }
    const { url } = await served({ host: '0.0.0.0', jwt })
    const token = await new SignJWT({ role: 'admin' })
      .setProtectedHeader({ alg: 'EdDSA', kid: 'one' })
      .setIssuer('https://id.test')
      .setAudience('troupe')
      .setSubject('ada')
      .setExpirationTime('1h')
      .sign(privateKey)
    const at = `http://127.0.0.1:${new URL(url).port}`
    expect((await caller(at)('GET', '/v1/runs')).status).toBe(401)
    expect((await caller(at, { authorization: `Bearer ${token}` })('GET', '/v1/runs')).status).toBe(200)
  })
})
