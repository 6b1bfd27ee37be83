/** Usage by group over HTTP: of the user of the caller, and of all users for callers of all users. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LlmAgent } from '../../../index.ts'
import { MockModel } from '../../../testing/index.ts'
import { caller, type Served, Servers } from '../../server-testbed.test.fixture.ts'

const usage = { inputTokens: 10, outputTokens: 5 }

describe('The route of usage by group', () => {
  const servers = new Servers()
  let served: Served
  beforeAll(async () => {
    const model = new MockModel({ responses: [1, 2, 3].map(() => ({ text: 'ok', usage })) })
    const clerk = new LlmAgent({ name: 'Clerk', model })
    served = await servers.start({ agents: [clerk] }, { authentication: 'required' })
    for (const user of ['ada', 'ada', 'eve'])
      await served.troupe.user(user).orchestra.run({ agent: 'Clerk', task: 't' })
  })
  afterAll(() => servers.close())

  const as = async (users: readonly string[] | 'all', options: object = {}) => {
    const { key } = await served.troupe.apiKeys.create({ name: 'n', users, role: 'readonly', ...options } as never)
    return caller(served.url, { authorization: `Bearer ${key}` })
  }
  const group = (name: string, runs: number) => ({
    name,
    runs,
    tokens: runs * 15,
    inputTokens: runs * 10,
    outputTokens: runs * 5,
    cost: 0,
    unpriced: runs,
  })

  it('A caller of one user gets the usage of this user, and none of all users.', async () => {
    const call = await as(['eve'])
    const of = async (query: string) => (await call('GET', `/v1/usage/groups${query}`)).body
    expect(await of('')).toEqual({ items: [group('Clerk', 1)] })
    expect(await of('?by=user')).toEqual({ items: [group('eve', 1)] })
    expect(await of('?by=model')).toEqual({ items: [group('mock/mock', 1)] })
    expect(await of('?to=2020-01-01')).toEqual({ items: [] })
    expect((await of('?by=user&allUsers=true')).code).toBe('request.forbidden')
    expect((await of('?by=agent')).code).toBe('request.invalid')
    const agent = await as(['eve'], { agent: 'Clerk' })
    expect((await agent('GET', '/v1/usage/groups')).body.code).toBe('request.forbidden')
  })

  it('A caller of all users gets the usage of each user.', async () => {
    const call = await as('all')
    const { body } = await call('GET', '/v1/usage/groups?by=user&allUsers=true')
    expect(body).toEqual({ items: [group('ada', 2), group('eve', 1)] })
    const limited = await as('all', { operations: ['teams.read'] })
    expect((await limited('GET', '/v1/usage/groups?allUsers=true')).body.code).toBe('request.forbidden')
  })
})
