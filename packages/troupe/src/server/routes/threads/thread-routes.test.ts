/** Threads over HTTP: started by a run, listed, read, and of one user alone. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { caller, echo, type Served, Servers } from '../../server-testbed.test.fixture.ts'

describe('The thread routes', () => {
  const servers = new Servers()
  let served: Served
  beforeAll(async () => {
    served = await servers.start({ agents: [echo] }, { authentication: 'required' })
  })
  afterAll(() => servers.close())

  const as = async (user: string, role = 'contributor', agent?: string) => {
    const { key } = await served.troupe.apiKeys.create({ name: 'n', users: [user], role, ...(agent ? { agent } : {}) })
    return caller(served.url, { authorization: `Bearer ${key}` })
  }
  const startOf = { agent: 'Echo', task: 'hello', threadId: 'greetings' }

  it('The thread routes list and show the thread that runs continue.', async () => {
    const call = await as('ada')
    const { status, body } = await call('POST', '/v1/runs', startOf)
    expect(status).toBe(201)
    await call('GET', `/v1/runs/${body.run}/result?wait=10s`)
    const listed = await call('GET', '/v1/threads')
    expect(listed.body.items).toMatchObject([{ threadId: 'greetings', agent: 'Echo', title: 'hello', turns: 1 }])
    const shown = await call('GET', '/v1/threads/greetings?name=Echo')
    expect(shown.body).toMatchObject({
      threadId: 'greetings',
      messages: [
        { role: 'user', text: 'hello', content: [{ type: 'text', text: 'hello' }], run: body.run },
        { role: 'assistant', run: body.run },
      ],
      runs: [{ id: body.run, threadId: 'greetings', status: 'completed' }],
    })
    expect((await call('GET', '/v1/runs?threadId=greetings')).body.items).toMatchObject([{ id: body.run }])
  })

  it('The thread routes show no thread of another user, and reject an agent.', async () => {
    const eve = await as('eve', 'readonly')
    expect((await eve('GET', '/v1/threads')).body.items).toEqual([])
    expect((await eve('GET', '/v1/threads/greetings')).body.code).toBe('thread.unknown')
    const agent = await as('ada', 'contributor', 'Echo')
    for (const path of ['/v1/threads', '/v1/threads/greetings'])
      expect((await agent('GET', path)).body.code).toBe('request.forbidden')
    expect((await agent('POST', '/v1/runs', startOf)).body.code).toBe('request.forbidden')
  })
  it('The route that deletes a thread needs its operation and role, and deletes threads of the user alone.', async () => {
    const ada = await as('ada')
    for (const threadId of ['first', 'second']) {
      const { body } = await ada('POST', '/v1/runs', { ...startOf, threadId })
      await ada('GET', `/v1/runs/${body.run}/result?wait=10s`)
    }
    const reader = await as('ada', 'readonly')
    expect((await reader('DELETE', '/v1/threads/first')).body.code).toBe('request.forbidden')
    const agent = await as('ada', 'contributor', 'Echo')
    expect((await agent('DELETE', '/v1/threads/first')).body.code).toBe('request.forbidden')
    const eve = await as('eve')
    expect((await eve('DELETE', '/v1/threads/first')).body.code).toBe('thread.unknown')
    expect((await ada('DELETE', '/v1/threads/first?name=Other')).body.code).toBe('thread.unknown')
    expect(await ada('DELETE', '/v1/threads/first')).toMatchObject({ status: 200, body: { ok: true } })
    expect((await ada('GET', '/v1/threads/first')).body.code).toBe('thread.unknown')
    expect((await ada('DELETE', '/v1/threads/first')).body.code).toBe('thread.unknown')
    const { items } = await served.troupe.audit.list({ operation: 'thread.delete', allowed: true })
    expect(items).toMatchObject([{ resource: 'first', user: 'ada', key: expect.any(String) }])
    const { key } = await served.troupe.apiKeys.create({ name: 'support', users: 'all', role: 'moderator' })
    const support = caller(served.url, { authorization: `Bearer ${key}`, 'troupe-user': 'ada' })
    expect((await support('DELETE', '/v1/threads/second?name=Echo')).status).toBe(200)
  })
})
