/** In production no connection to another machine begins without TLS or a checked certificate, however that is spelt. */
import { createServer, type Server } from 'node:net'
import { networkInterfaces } from 'node:os'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TroupeConfig } from '../index.ts'
import { createTroupe } from './index.ts'

/** An address of this machine that counts as another one, or a name that no resolver knows. */
const address = Object.values(networkInterfaces())
  .flat()
  .find((one) => one?.family === 'IPv4' && !one.internal)?.address
let server: Server
let connections = 0
let host = 'db.example'
beforeAll(async () => {
  server = createServer((socket) => {
    connections++
    socket.on('error', () => {})
    socket.destroy()
  })
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve))
  const target = server.address()
  if (address !== undefined && typeof target === 'object') host = `${address}:${target?.port}`
})
afterAll(() => new Promise<void>((resolve) => server.close(() => resolve())))

const encryption = { keys: [{ id: 'k', key: Buffer.alloc(32, 1).toString('base64') }] }
const codeOf = (storage: unknown) =>
  createTroupe({
    storage: storage as TroupeConfig['storage'] & string,
    profile: 'production',
    log: 'silent',
    encryption,
  }).then(
    async (troupe) => {
      await troupe.close()
      return 'opened'
    },
    (error: { readonly code?: string }) => error.code,
  )

const secret = 'ada:hush'
/** Each spelling, as the URL of a place on HOST and the options beside it. */
const spellings: readonly (readonly [url: string, options: object])[] = [
  ['postgres://ada:hush@HOST/shop', {}],
  ['postgresql://ada:hush@HOST/shop', {}],
  ['postgres://ada:hush@HOST/shop?sslmode=disable', {}],
  ['postgres://ada:hush@HOST/shop?sslmode=require', {}],
  ['postgres://ada:hush@HOST/shop', { tls: false }],
  ['postgres://ada:hush@HOST/shop', { tls: { check: false } }],
  ['postgres://ada:hush@HOST/shop?sslmode=verify-full', { tls: { check: false, ca: 'x' } }],
]
const at = (url: string) => url.replace('HOST', host)

test.each(spellings)('A troupe in production rejects %s with %j before it connects.', async (url, options) => {
  expect(await codeOf({ url: at(url), ...options })).toBe('config.unsafe')
  if (Object.keys(options).length === 0) expect(await codeOf(at(url))).toBe('config.unsafe')
  expect(connections).toBe(0)
})

test.each(['migrateUrl', 'listenUrl'])(
  'A troupe in production rejects a plain %s beside a checked connection before it connects.',
  async (name) => {
    const checked = `postgres://${secret}@${host}/shop?sslmode=verify-full`
    // Without an sslmode it has the one of the main connection.
    for (const [url, options] of spellings)
      if (Object.keys(options).length === 0 && url.includes('sslmode'))
        expect([url, await codeOf({ url: checked, [name]: at(url) })]).toEqual([url, 'config.unsafe'])
    expect(connections).toBe(0)
  },
)

test.each(['prefer', 'no-verify', 'allow', 'NONE'])(
  'A troupe in production rejects the unknown spelling sslmode=%s before it connects.',
  async (mode) => {
    for (const name of ['url', 'migrateUrl', 'listenUrl']) {
      const checked = { url: `postgres://${secret}@${host}/shop?sslmode=verify-full` }
      const storage = { ...checked, [name]: at(`postgres://ada:hush@HOST/shop?sslmode=${mode}`) }
      expect([name, await codeOf(storage)]).toEqual([name, 'validation.failed'])
    }
    expect(connections).toBe(0)
  },
)

test.skipIf(address === undefined)('A troupe in production connects once a plain connection is declared.', async () => {
  expect(await codeOf({ url: at('postgres://ada:hush@HOST/shop'), tls: 'none', acquireTimeout: '300ms' })).not.toBe(
    'config.unsafe',
  )
  expect(connections).toBeGreaterThan(0)
})
