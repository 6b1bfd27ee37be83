/** The rights of a caller as the server reports them are those by which it admits and rejects requests. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { caller, type Served, Servers } from '../server-testbed.test.fixture.ts'

describe('The access route', () => {
  const servers = new Servers()
  let served: Served
  beforeAll(async () => {
    served = await servers.start({}, { authentication: 'required' })
  })
  afterAll(() => servers.close())

  const accessOf = async (grant: object, headers: Readonly<Record<string, string>> = {}) => {
    const { key } = await served.troupe.apiKeys.create({ name: 'n', users: ['ada'], ...grant } as never)
    const call = caller(served.url, { authorization: `Bearer ${key}`, ...headers })
    return { call, access: (await call('GET', '/v1/access')).body }
  }

  it('The access route lists the operations that the role of a key admits, and the server rejects the others.', async () => {
    const { call, access } = await accessOf({ role: 'readonly' })
    expect(access).toMatchObject({ role: 'readonly', users: ['ada'] })
    expect(access.operations).toEqual(expect.arrayContaining(['runs.list', 'context.get', 'usage.history']))
    for (const name of ['runs.cancel', 'runs.start', 'runs.prompts', 'context.push', 'apiKeys.create'])
      expect(access.operations).not.toContain(name)
    expect((await call('GET', '/v1/runs')).status).toBe(200)
    expect((await call('POST', '/v1/runs', { task: 1, agent: 'Echo' })).status).toBe(403)
  })

  it('The access route leaves out operations that a key does not have, whatever its role.', async () => {
    const { access } = await accessOf({ role: 'admin', operations: ['teams.read', 'runs.read'] })
    expect(access.operations).toEqual(expect.arrayContaining(['runs.list', 'teams.get']))
    expect(access.operations).not.toContain('context.get')
    const few = await accessOf({ operations: ['runs.start'] })
    expect(few.access.operations).toContain('runs.start')
    expect(few.access.operations).not.toContain('teams.get')
  })

  it('The access route leaves out routes about all users for a key of one user, and the server rejects them.', async () => {
    const about = ['operations.health', 'operations.doctor', 'operations.metrics', 'apiKeys.list', 'audit.export']
    const { call, access } = await accessOf({ role: 'admin' })
    expect(access.operations).toContain('audit.list')
    expect(about.filter((name) => access.operations.includes(name))).toEqual([])
    for (const path of ['/v1/health', '/v1/doctor', '/v1/api-keys', '/v1/audit/export'])
      expect((await call('GET', path)).body.code).toBe('request.forbidden')
    const all = await accessOf({ role: 'admin', users: 'all' })
    expect(all.access.operations).toEqual(expect.arrayContaining(about))
    expect((await all.call('GET', '/v1/health')).status).toBe(200)
    const limited = await accessOf({ role: 'admin', users: 'all', operations: ['teams.read', 'api-keys.read'] })
    expect(limited.access.operations).not.toContain('apiKeys.list')
    expect((await limited.call('GET', '/v1/api-keys')).body.code).toBe('request.forbidden')
  })

  it('The access route answers a key of several users that names none of them.', async () => {
    const { call, access } = await accessOf({ role: 'readonly', users: ['ada', 'bob'] })
    expect(access).toMatchObject({ role: 'readonly', users: ['ada', 'bob'] })
    expect((await call('GET', '/v1/runs')).body.code).toBe('request.invalid')
  })

  it('The access route leaves out what callers that act as an agent may not do.', async () => {
    const { access } = await accessOf({ role: 'admin' }, { 'troupe-agent': 'Echo' })
    expect(access.agent).toBe('Echo')
    expect(access.operations).toContain('context.push')
    expect(access.operations).not.toContain('apiKeys.list')
  })
})
