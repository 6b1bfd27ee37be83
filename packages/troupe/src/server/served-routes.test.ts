/** Every route that the server adds: it is in the table of routes, or in the list of the others below. */
import Fastify, { type FastifyInstance } from 'fastify'
import { afterEach, expect, it } from 'vitest'
import { partsOf } from '../startup/index.ts'
import { addStudio } from './add-studio.ts'
import { troupePlugin } from './index.ts'
import { routes } from './routes.ts'
import { caller, Servers } from './server-testbed.test.fixture.ts'

const key = 'k'.repeat(32)
const oidc = { issuer: 'http://127.0.0.1:1', clientId: 'studio', role: 'readonly' } as const
const publicUrl = 'https://troupe.test'
const privateAddresses = ['127.0.0.1']
const servers = new Servers()
afterEach(() => servers.close())

/**
 * The routes beside the table. `requests`: the requests of an address are limited. `failures`: the failed sign-ins of an
 * address are limited, and recorded. `key`: the route needs a key, like those of the table. `none`: the route reads
 * nothing but the request.
 */
const others: Readonly<Record<string, 'requests' | 'failures' | 'key' | 'none'>> = {
  'GET /health': 'requests',
  'GET /ready': 'requests',
  'GET /v1/openapi.json': 'requests',
  'GET /session': 'none',
  'POST /session': 'failures',
  'DELETE /session': 'failures',
  'GET /open': 'failures',
  'GET /login': 'failures',
  'GET /login/callback': 'failures',
  'POST /mcp': 'key',
  'GET /mcp': 'key',
  'DELETE /mcp': 'key',
}
const limitedBy = (limit: string) =>
  Object.keys(others).flatMap((name) => (others[name] === limit ? [name.split(' ') as [string, string]] : []))

/** HEAD routes are those that Fastify adds to a GET route with the same hooks. */
async function addedBy(add: (app: FastifyInstance) => unknown): Promise<readonly string[]> {
  const app = Fastify({ routerOptions: { maxParamLength: 4_096 } })
  const found: string[] = []
  app.addHook('onRoute', ({ method, url }) => void found.push(...[method].flat().map((one) => `${one} ${url}`)))
  await add(app)
  await app.ready()
  await app.close()
  return found.filter((one) => !one.startsWith('HEAD ') || !found.includes(one.replace('HEAD', 'GET')))
}

it('The server adds the routes of the table, the files of the studio, and the listed routes, and no other.', async () => {
  const { troupe } = await servers.start({ egress: { privateAddresses } })
  const added = await addedBy((app) => app.register(troupePlugin, { troupe, key, oidc, publicUrl }))
  const studio = await addedBy(addStudio)
  const known = [...routes.map(({ method, path }) => `${method} ${path}`), ...studio, ...Object.keys(others)]
  expect(added.toSorted()).toEqual(known.toSorted())
})

it('A route beside the table is limited as listed before it reads the database.', async () => {
  const options = { authentication: 'required', key, oidc, rateLimit: { max: 1, window: '1h' } } as const
  const { url, troupe } = await servers.start(
    { egress: { privateAddresses } },
    { ...options, trustProxy: ['127.0.0.1'] },
  )
  let addresses = 0
  const fromNewAddress = () => caller(url, { 'x-forwarded-for': `203.0.113.${++addresses}` })
  for (const [method, path] of limitedBy('failures')) {
    const call = fromNewAddress()
    expect((await call('GET', '/open?link=guess')).status).toBe(401)
    expect([path, (await call(method, path)).status]).toEqual([path, 429])
  }
  for (const [method, path] of limitedBy('requests')) {
    const call = fromNewAddress()
    for (let i = 0; i < 10; i++) expect((await call(method, path)).status).toBe(200)
    expect([path, (await call(method, path)).status]).toEqual([path, 429])
  }
  for (const [method, path] of limitedBy('key'))
    expect([path, (await fromNewAddress()(method, path)).status]).toEqual([path, 401])
  await troupe[partsOf].security.audit.flush()
  const { items } = await troupe.audit.incidents({ operation: 'login' })
  expect(items).toHaveLength(limitedBy('failures').length)
})
