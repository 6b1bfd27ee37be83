/** Logging in to a server of one's own: passwords of any characters, which nobody sees, and certificates. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { Client, type ClientConfig } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock, systemRandom } from '../../src/core/index.ts'
import { openStorage, type PostgresOptions } from '../../src/storage/index.ts'
import { binaries } from './binaries.ts'
import { type Certificates, makeCertificates } from './certificates.ts'
import { Cluster, freePort } from './cluster.ts'

const bin = binaries()
const certificates = makeCertificates()
const missing = !bin ? 'no programs of PostgreSQL' : !certificates ? 'no openssl' : undefined
if (missing) process.stderr.write(`skipped: ${missing}\n`)

const nasty = [
  'p@ss/w#rd?%',
  'a:b@c:d@e/f',
  '%zz%00%41',
  ' leading and trailing ',
  'ü 🔑',
  'ﬁ\u00a0\u00ad',
  '\'"`\\$${HOME}&|;\n\t',
  '?sslmode=disable&host=elsewhere',
  'x'.repeat(500),
  '0',
]

describe.skipIf(missing !== undefined)('logging in', () => {
  let cluster: Cluster
  const open = (postgres: PostgresOptions) =>
    openStorage({
      url: 'postgres:',
      postgres: { schema: 'team', ...postgres },
      migrations: [],
      clock: systemClock,
      random: systemRandom,
    })
  const at = (user: string): PostgresOptions => ({ host: '127.0.0.1', port: cluster.port, user, database: 'postgres' })
  const use = async (postgres: PostgresOptions) => {
    const storage = await open(postgres)
    const feed = [{ kind: 'put', key: 'k', data: '{}' }] as const
    const result = await storage.commit({ id: null, scope: { user: 'ada' }, statements: [], feed })
    await storage.close()
    return result.ok
  }

  beforeAll(async () => {
    const { key, certificate } = certificates as Certificates
    cluster = new Cluster({
      bin: bin as string,
      port: await freePort(),
      password: nasty[0] as string,
      settings: { ssl: 'on' },
      files: { 'server.key': key, 'server.crt': certificate },
      access: [
        'host all plain all scram-sha-256',
        'hostssl all encrypted all scram-sha-256',
        'hostnossl all encrypted all reject',
        'host all postgres all scram-sha-256',
      ],
    })
    cluster.start()
    await asSuperuser(async (client) => {
      for (const user of ['plain', 'encrypted'])
        await client.query(`create role ${user} superuser login password 'right'`)
    })
  })
  afterAll(() => cluster?.dispose())

  const asSuperuser = async (run: (client: Client) => Promise<unknown>) => {
    const client = new Client({ ...at('postgres'), password: nasty[0] as string } as ClientConfig)
    await client.connect()
    await run(client)
    await client.end()
  }
  const setPassword = (password: string) =>
    asSuperuser((client) => client.query(`alter role plain password ${client.escapeLiteral(password)}`))

  test.each(nasty)('A login works with the password %j, as an option and in a URL.', async (password) => {
    await setPassword(password)
    expect(await use({ ...at('plain'), password })).toBe(true)
    const location = `127.0.0.1:${cluster.port}/postgres`
    expect(await use({ url: `postgres://plain:${encodeURIComponent(password)}@${location}` })).toBe(true)
    const wrong = { ...at('plain'), password: `${password}!` }
    await expect(open(wrong)).rejects.toMatchObject({ code: 'storage.denied', retryable: false })
  })

  test('A process prints no password, neither in its errors, events nor logs.', async () => {
    const password = 'hush@/ hush%'
    await setPassword(password)
    const env = {
      ...process.env,
      DB_HOST: '127.0.0.1',
      DB_PORT: String(cluster.port),
      DB_NAME: 'postgres',
      DB_USER: 'plain',
      DB_PASSWORD: password,
    }
    const done = spawnSync(process.execPath, [join(import.meta.dirname, 'login-child.ts'), 'printed'], {
      env,
      encoding: 'utf8',
    })
    const printed = `${done.stdout}${done.stderr}`
    expect(done.status, printed).toBe(0)
    for (const code of ['storage.denied', 'storage.unreachable', 'storage.untrusted', 'validation.failed'])
      expect(printed).toContain(code)
    for (const secret of ['hush', encodeURIComponent(password), Buffer.from(password).toString('base64')])
      expect(printed).not.toContain(secret)
  })

  const encrypted = (host: string, tls: PostgresOptions['tls']) =>
    use({ ...at('encrypted'), host, password: 'right', ...(tls === undefined ? {} : { tls }) })

  test('A server whose certificate names its host is trusted by the authority that signed it.', async () => {
    const { authority } = certificates as Certificates
    expect(await encrypted('localhost', { ca: authority })).toBe(true)
    const url = `postgres://encrypted:right@localhost:${cluster.port}/postgres?sslmode=verify-full`
    expect(await use({ url, tls: { ca: authority } })).toBe(true)
    expect(await use({ url: url.replace('verify-full', 'require') })).toBe(true)
    expect(await encrypted('127.0.0.1', { check: false })).toBe(true)
  })

  test('A login is rejected for another host, an unknown authority, or missing TLS, each with its reason.', async () => {
    const { authority, stranger } = certificates as Certificates
    const rejected = (problem: RegExp) => ({
      code: 'storage.untrusted',
      retryable: false,
      message: expect.stringMatching(problem),
    })
    await expect(encrypted('127.0.0.1', { ca: authority })).rejects.toMatchObject(
      rejected(/127\.0\.0\.1.*not in the cert/),
    )
    await expect(encrypted('localhost', { ca: stranger })).rejects.toMatchObject(rejected(/certificate/))
    await expect(encrypted('localhost', true)).rejects.toMatchObject(rejected(/certificate/))
    await expect(encrypted('localhost', undefined)).rejects.toMatchObject({ code: 'storage.denied' })
  })

  test('A server without TLS is rejected if TLS is requested.', async () => {
    await asSuperuser(async (client) => {
      await client.query('alter system set ssl = off')
      await client.query('select pg_reload_conf()')
    })
    await expect
      .poll(() => encrypted('localhost', true).catch((error: Error) => error.message))
      .toMatch(/does not support SSL/)
  })
})
