/** Every route that the server adds: it is in the table of routes, or in the list of the others below. */
import Fastify, { type FastifyInstance } from 'fastify'
import { afterEach, expect, it } from 'vitest'
import { partsOf } from '../startup/index.ts'
import { addStudio } from './add-studio.ts'
import { troupePlugin } from './index.ts'
import { type OpenRouteName, openRoutes } from './open-route.ts'
import { routes } from './routes.ts'
import { caller, Servers } from './server-testbed.test.fixture.ts'

const key = 'k'.repeat(32)
const oidc = { issuer: 'http://127.0.0.1:1', clientId: 'studio', role: 'readonly' } as const
const publicUrl = 'https://troupe.test'
const privateAddresses = ['127.0.0.1']
const servers = new Servers()
afterEach(() => servers.close())

/** These routes need a key, like those of the table. */
const mcpRoutes = ['POST /mcp', 'GET /mcp', 'DELETE /mcp'] as const
const openNames = Object.keys(openRoutes) as OpenRouteName[]
const hasFailures = (name: OpenRouteName) => 'failures' in openRoutes[name]
const parted = (name: string) => name.split(' ') as [string, string]

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
  const studio = await addedBy((app) => addStudio(app, async () => {}))
  const known = [...routes.map(({ method, path }) => `${method} ${path}`), ...studio, ...openNames, ...mcpRoutes]
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
  const failing = openNames.filter(hasFailures)
  for (const [method, path] of failing.map(parted)) {
    const call = fromNewAddress()
    expect((await call('GET', '/open?link=guess')).status).toBe(401)
    expect([path, (await call(method, path)).status]).toEqual([path, 429])
  }
  await troupe[partsOf].security.audit.flush()
  const { items } = await troupe.audit.incidents({ operation: 'login' })
  expect(items).toHaveLength(failing.length)
  const files = (await addedBy((app) => addStudio(app, async () => {}))).filter((name) => !name.includes('/.'))
  const open = openNames.filter((name) => !hasFailures(name))
  // A page has many files, and each is cheap.
  for (const name of [...open, ...files.slice(0, 3)]) {
    const [method, path] = parted(name)
    const call = fromNewAddress()
    for (let i = 0; i < (files.includes(name) ? 100 : 10); i++)
      expect([path, (await call(method, path)).status]).toEqual([path, 200])
    expect([path, (await call(method, path)).status]).toEqual([path, 429])
  }
  for (const [method, path] of mcpRoutes.map(parted))
    expect([path, (await fromNewAddress()(method, path)).status]).toEqual([path, 401])
})

it('A sign-in is limited by requests too, if it succeeds or begins at the provider.', async () => {
  const options = { authentication: 'required', key, oidc, rateLimit: { max: 1, window: '1h' } } as const
  const { url } = await servers.start({ egress: { privateAddresses } }, { ...options, trustProxy: ['127.0.0.1'] })
  const call = caller(url, { 'x-forwarded-for': '203.0.113.200' })
  for (let i = 0; i < 10; i++) expect((await call('GET', '/login')).status).not.toBe(429)
  expect((await call('GET', '/login')).status).toBe(429)
})
