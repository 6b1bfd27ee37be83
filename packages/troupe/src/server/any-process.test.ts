import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { dropSchema, missingServer, schemaName, server } from '../../test/postgres/postgres-server.ts'
import { type Event, follow, Servers, until } from './server-testbed.test.fixture.ts'

const missing = await missingServer()
const schema = schemaName('nodes')

describe.skipIf(missing !== undefined)('two servers on one PostgreSQL', () => {
  const servers = new Servers()
  const storage = { url: server, schema }
  afterEach(() => servers.close())
  afterAll(() => dropSchema(schema))

  it('Each of two servers on one PostgreSQL serves the runs, entries, messages and requests of the other.', async () => {
    const [here, there] = [await servers.start({ storage }), await servers.start({ storage })]
    await here.call('POST', '/v1/runs', { id: 'r', task: 1, agent: 'Asking' })
    const events: Event[] = []
    const following = (async () => {
      for await (const event of follow(`${there.url}/v1/runs/r/events`)) events.push(event)
    })()
    const asked = await until('it asks', () => events.find(({ event }) => event === 'question.asked'))
    expect((await there.call('POST', '/v1/runs/r/pause')).body).toMatchObject({ reason: 'paused' })
    expect((await there.call('POST', '/v1/runs/r/resume')).status).toBe(200)
    await there.call('POST', '/v1/runs/r/answers', { question: asked.data.question, value: 'blue' })
    expect((await there.call('GET', '/v1/runs/r/result?wait=20s')).body).toMatchObject({ response: 'blue' })
    await following
    expect(events.at(-1)).toMatchObject({ event: 'run.completed' })

    const watch = follow(`${there.url}/v1/context/watch`)
    await watch.next()
    await here.call('PUT', '/v1/context/entries/k', { value: 1 })
    expect((await watch.next()).value).toMatchObject({ data: { key: 'k', value: 1 } })
    await watch.return(undefined)

    const once = { 'idempotency-key': 'one' }
    const sent = await here.call('POST', '/v1/messages', { type: 'n', payload: 1, to: 'Box' }, once)
    const repeated = await there.call('POST', '/v1/messages', { type: 'n', payload: 1, to: 'Box' }, once)
    expect(repeated.body).toEqual(sent.body)
    const { deliveries } = (await here.call('POST', '/v1/mailboxes/Box/receive', {})).body
    expect(deliveries).toHaveLength(1)
    const { delivery } = deliveries[0]
    expect((await there.call('POST', '/v1/mailboxes/Box/ack', { delivery })).status).toBe(200)

    const second = await here.call('POST', '/v1/runs', { task: 1, agent: 'Asking', id: 's' })
    expect(second.status).toBe(201)
    expect((await there.call('POST', '/v1/runs/s/cancel')).body).toMatchObject({ status: 'cancelled' })
  })
})
