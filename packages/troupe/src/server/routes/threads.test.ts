/** Threads over HTTP: started by a run, listed, read, and of one user alone. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { caller, echo, type Served, Servers } from '../server-testbed.test.fixture.ts'

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
})
