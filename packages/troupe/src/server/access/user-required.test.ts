/** Where a user has to be named, as in production: what is about the troupe is asked without one. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { routes } from '../routes.ts'
import { type CallServer, caller, Servers } from '../server-testbed.test.fixture.ts'

const servers = new Servers()
let call: CallServer
const key = 'k'.repeat(32)
beforeAll(async () => {
  const { url } = await servers.start({ requireUserId: true, teams: {} }, { key, rateLimit: false })
  call = caller(url, { 'x-api-key': key })
})
afterAll(() => servers.close())

const at = (path: string) => path.replaceAll(/:\w+/g, '1')
const readRoutes = routes.filter(({ method }) => method === 'GET' || method === 'DELETE')

describe('a server whose troupe requires a user', () => {
  it.each(readRoutes.filter(({ needsNoUser }) => !needsNoUser))(
    'A server that requires a user rejects $method $path without one.',
    async (route) => {
      const { status, body } = await call(route.method, at(route.path))
      expect({ status, code: body.code }).toEqual({ status: 400, code: 'name.invalid' })
    },
  )

  it.each(readRoutes.filter(({ path, needsNoUser }) => needsNoUser && !/:|audit$|incidents$/.test(path)))(
    'A server that requires a user answers $method $path without one.',
    async ({ method, path }) => {
      expect((await call(method, path)).status).toBe(200)
    },
  )

  it('A server that requires a user creates keys and links without one, and lists only records of all users.', async () => {
    const made = await call('POST', '/v1/api-keys', { name: 'scrape', users: 'all', role: 'readonly' })
    expect(made.status).toBe(201)
    expect((await call('POST', `/v1/api-keys/${made.body.id}/rotate`)).status).toBe(201)
    expect((await call('DELETE', `/v1/api-keys/${made.body.id}`)).status).toBe(200)
    expect((await call('POST', '/v1/links')).status).toBe(201)
    for (const path of ['/v1/audit', '/v1/incidents']) {
      expect((await call('GET', `${path}?allUsers=true`)).status).toBe(200)
      expect((await call('GET', path)).body.code).toBe('name.invalid')
      expect((await call('GET', path, undefined, { 'troupe-user': 'ada' })).status).toBe(200)
    }
  })
})
