/** The runs and the waiting runs of all users over HTTP: for callers of all users alone. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { defineAgent } from '../../../index.ts'
import { partsOf } from '../../../startup/index.ts'
import { asking, caller, echo, type Served, Servers } from '../../server-testbed.test.fixture.ts'

const failing = defineAgent({
  name: 'Failing',
  run: () => {
    throw new Error('connect to db-7 failed')
  },
})

describe('The routes of the runs of all users', () => {
  const servers = new Servers()
  let served: Served
  beforeAll(async () => {
    const config = { agents: [echo, asking, failing], audit: { reads: true } }
    served = await servers.start(config, { authentication: 'required' })
    for (const user of ['ada', 'eve'])
      for (const agent of ['Echo', 'Asking', 'Failing'])
        await (await served.troupe.user(user).orchestra.start({ id: `${user} ${agent}`, agent, task: 't' })).result()
  })
  afterAll(() => servers.close())

  const as = async (users: readonly string[] | 'all', options: object = {}) => {
    const { key } = await served.troupe.apiKeys.create({ name: 'n', users, role: 'readonly', ...options } as never)
    return caller(served.url, { authorization: `Bearer ${key}` })
  }
  interface Item {
    readonly user?: string
    readonly id?: string
    readonly run?: string
  }
  const named = (items: readonly Item[]) => items.map(({ user, id, run }) => [user, run ?? id])

  it('A caller of all users gets the runs of each user by status, and in pages.', async () => {
    const call = await as('all')
    const of = async (query: string) => named((await call('GET', `/v1/operations/runs${query}`)).body.items)
    const asks = ['ada', 'eve'].map((user) => [user, `${user} Asking`])
    const failed = ['eve', 'ada'].map((user) => [user, `${user} Failing`])
    expect(await of('')).toEqual(asks)
    expect(await of('?status=waiting')).toEqual(asks)
    expect(await of('?status=failed')).toEqual(failed)
    expect(await of('?status=ended&limit=1')).toEqual([failed[0]])
    const { body } = await call('GET', '/v1/operations/runs?status=failed&limit=1')
    expect(await of(`?status=failed&limit=1&cursor=${body.cursor}`)).toEqual([failed[1]])
    const other = await call('GET', `/v1/operations/runs?status=ended&limit=1&cursor=${body.cursor}`)
    expect(other.body.code).toBe('cursor.invalid')
    expect((await call('GET', '/v1/operations/runs?status=running')).body.code).toBe('request.invalid')
    // The texts of errors are for admins that may read the audit log.
    expect(body.items[0].error).toMatchObject({ message: expect.stringMatching(/^Internal error err_/) })
  })

  it('A caller of all users gets the runs of all users that wait for a person, with their questions.', async () => {
    const call = await as('all')
    const first = (await call('GET', '/v1/approvals?allUsers=true&limit=1')).body
    expect(first.items).toEqual([
      expect.objectContaining({
        user: 'ada',
        run: 'ada Asking',
        reason: 'question',
        title: 't',
        questions: [expect.objectContaining({ text: 'Which?', options: ['red', 'blue'] })],
        uncertain: [],
      }),
    ])
    const next = await call('GET', `/v1/approvals?allUsers=true&limit=1&cursor=${first.cursor}`)
    expect(named(next.body.items)).toEqual([['eve', 'eve Asking']])
    expect(next.body.cursor).toBeUndefined()
    const own = await call('GET', '/v1/approvals', undefined, { 'troupe-user': 'eve' })
    expect(named(own.body.items)).toEqual([[undefined, 'eve Asking']])
  })

  it('A caller that is bound to users, an agent or other operations gets no runs of all users.', async () => {
    const callers = [
      await as(['eve']),
      await as(['ada', 'eve']),
      await as('all', { agent: 'Echo' }),
      await as('all', { operations: ['teams.read'] }),
    ]
    for (const call of callers)
      for (const path of ['/v1/operations/runs', '/v1/operations/runs?status=failed', '/v1/approvals?allUsers=true'])
        expect(await call('GET', path, undefined, { 'troupe-user': 'eve' }), path).toMatchObject({
          status: 403,
          body: { code: 'request.forbidden' },
        })
    const call = await as(['eve'])
    expect(named((await call('GET', '/v1/approvals')).body.items)).toEqual([[undefined, 'eve Asking']])
  })

  it('The audit log records the reads of the runs of all users, and the rejected ones.', async () => {
    const { audit } = served.troupe
    const recordOf = async (operation: string, users: readonly string[] | 'all', path: string) => {
      await (await as(users))('GET', path, undefined, { 'troupe-user': 'eve' })
      await served.troupe[partsOf].security.audit.flush()
      return (await audit.list({ operation, limit: 1 })).items[0]
    }
    const rejected = { allowed: false, reason: 'request.forbidden', user: 'eve' }
    for (const [operation, path] of [
      ['runs.read', '/v1/operations/runs'],
      ['approvals.list', '/v1/approvals?allUsers=true'],
    ] as const) {
      expect(await recordOf(operation, 'all', path)).toMatchObject({ allowed: true, key: expect.any(String) })
      expect(await recordOf(operation, ['eve'], path)).toMatchObject(rejected)
    }
  })
})
