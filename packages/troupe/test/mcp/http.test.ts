/** MCP at `/mcp` over real sockets, called by the official client. */
import { afterEach, describe, expect, test } from 'vitest'
import type { KeyScope } from '../../src/security/index.ts'
import { connectTo, modern, structured, textOf, until } from './clients.ts'
import { closeServed, keyScope, open, runsOf, serve } from './served-teams.ts'

afterEach(closeServed)

describe('a client of MCP', () => {
  test('An MCP client is offered what its key may do, and nothing else.', async () => {
    const { connect } = await serve()
    const names = async (scope: KeyScope) => {
      const { tools } = await (await connect(scope)).listTools()
      return tools.map(({ name }) => name)
    }
    const all = await names(keyScope)
    expect(all).toContain('push_context')
    expect(all).toContain('run_team')
    const reader = await names({ ...keyScope, role: 'readonly' })
    expect(reader).toContain('get_context')
    expect(reader).toContain('get_run')
    for (const name of ['push_context', 'run_team', 'cancel_run']) expect(reader).not.toContain(name)
    expect(await names({ ...keyScope, operations: ['runs.start', 'runs.read'] })).toEqual(['run_team', 'get_run'])
    const narrow = await connect({ ...keyScope, operations: ['context.read'] })
    await expect(narrow.callTool({ name: 'push_context', arguments: { key: 'a', value: '1' } })).rejects.toThrow(
      'no tool of this name',
    )
  })

  test('An MCP client acts as the agent of its key, in either version of the protocol.', async () => {
    const { connect, troupe } = await serve()
    for (const options of [modern, {}]) {
      const client = await connect(keyScope, options)
      const key = `note.${client.getNegotiatedProtocolVersion()}`
      const { tools } = await client.listTools()
      expect(tools.find(({ name }) => name === 'push_context')?.inputSchema).toMatchObject({ type: 'object' })
      const pushed = await client.callTool({ name: 'push_context', arguments: { key, value: 'hello' } })
      expect(structured(pushed)).toMatchObject({ success: true })
      expect(await troupe.user('ada').context.getEntry(key)).toMatchObject({ owner: 'Desk', value: 'hello' })
      const wrong = await client.callTool({ name: 'push_context', arguments: { key } })
      expect(wrong.isError).toBe(true)
      expect(JSON.parse(textOf(wrong))).toMatchObject({ success: false })
    }
  })

  test('An MCP client sends messages in the name of its key.', async () => {
    const { connect, troupe } = await serve()
    const client = await connect(keyScope)
    const sent = await client.callTool({
      name: 'send_message_to_agent',
      arguments: { to_agent: 'Stock', message: 'how many?' },
    })
    expect(sent.isError, textOf(sent)).toBeFalsy()
    const { items } = await troupe.user('ada').agent('Stock').mailbox.messages()
    expect(items.map(({ from }) => from)).toEqual(['Desk'])
  })

  test('An MCP client reads entries and runs of its user alone, as resources.', async () => {
    const { connect, troupe } = await serve()
    await troupe.user('ada').context.push('plan', { steps: 3 })
    await troupe.user('eve').context.push('secret', 1)
    await troupe.user('ada').context.push('private', 1, { audience: 'owner' })
    const client = await connect(keyScope)
    const { resources } = await client.listResources()
    expect(resources.map(({ uri }) => uri)).toEqual(['troupe://context/plan'])
    const { contents } = await client.readResource({ uri: 'troupe://context/plan' })
    expect(JSON.parse((contents[0] as { text: string }).text)).toEqual({ steps: 3 })
    const done = structured(await client.callTool({ name: 'run_team', arguments: { task: 'x', team: 'Echo' } }))
    const run = await client.readResource({ uri: `troupe://runs/${done.run}` })
    expect(JSON.parse((run.contents[0] as { text: string }).text)).toMatchObject({ status: 'completed' })
    const other = await connect({ users: ['eve'], agent: 'Desk' })
    for (const uri of [
      `troupe://runs/${done.run}`,
      'troupe://context/plan',
      'troupe://context/%',
      'file:///etc/passwd',
    ])
      await expect(other.readResource({ uri })).rejects.toThrow('not found')
  })

  test('An MCP client of 2025 is not offered subscriptions over HTTP.', async () => {
    const { connect } = await serve()
    expect((await connect(keyScope)).getServerCapabilities()?.resources).toEqual({ subscribe: true, listChanged: true })
    expect((await connect(keyScope, {})).getServerCapabilities()?.resources).toEqual({})
  })

  test('An MCP client is notified of changes of resources that it subscribed to.', async () => {
    const { connect, troupe } = await serve()
    const { context } = troupe.user('ada')
    await context.push('plan', 1)
    const client = await connect(keyScope)
    const updated: string[] = []
    client.setNotificationHandler('notifications/resources/updated', ({ params }) => void updated.push(params.uri))
    const subscription = await client.listen({ resourceSubscriptions: ['troupe://context/plan'] })
    await context.push('other', 1)
    await troupe.user('eve').context.push('plan', 'not mine')
    await context.push('plan', 2)
    await until('the change is told', () => updated.length > 0)
    expect(updated).toEqual(['troupe://context/plan'])
    await subscription.close()
  })

  test('An MCP client is not notified any more once its key is revoked.', async () => {
    const { troupe, url } = await serve({ heartbeat: '20ms' })
    const { id, key } = await troupe.apiKeys.create({ name: 'k', ...keyScope })
    const other = await troupe.apiKeys.create({ name: 'other', ...keyScope })
    const subscribed = async (shown: string) => {
      const client = await connectTo(url, shown, modern)
      open.push(client)
      const updated: string[] = []
      client.setNotificationHandler('notifications/resources/updated', ({ params }) => void updated.push(params.uri))
      const subscription = await client.listen({ resourceSubscriptions: ['troupe://context/plan'] })
      return { updated, closed: subscription.closed }
    }
    const [revoked, valid] = [await subscribed(key), await subscribed(other.key)]
    await troupe.apiKeys.revoke(id)
    await revoked.closed
    await troupe.user('ada').context.push('plan', 1)
    await until('the other one is told', () => valid.updated.length > 0)
    expect(revoked.updated).toEqual([])
  })
})

describe('a run over MCP', () => {
  test('A run over MCP answers with structure, and reports its progress meanwhile.', async () => {
    const { connect } = await serve()
    const client = await connect(keyScope)
    const result = await client.callTool({ name: 'run_team', arguments: { task: 'hi', team: 'Echo' } })
    expect(structured(result)).toMatchObject({ status: 'completed', success: true, response: { received: 'hi' } })
    const progress: string[] = []
    const ends = new AbortController()
    const call = client
      .callTool(
        { name: 'run_team', arguments: { task: 'hi', team: 'Waiting' } },
        { signal: ends.signal, onprogress: ({ message }) => void progress.push(message ?? '') },
      )
      .catch(() => {})
    await until('its first step is told', () => progress.length > 0)
    expect(progress).toEqual(['Waiting begins'])
    ends.abort()
    await call
  })

  test('A run over MCP without an id is cancelled with its call.', async () => {
    const { connect, troupe } = await serve()
    const client = await connect(keyScope)
    const ends = new AbortController()
    const call = client
      .callTool({ name: 'run_team', arguments: { task: 1, team: 'Waiting' } }, { signal: ends.signal })
      .catch(() => 'ended')
    await until('it runs', async () => (await runsOf(troupe)).length === 1)
    ends.abort()
    expect(await call).toBe('ended')
    await until('it is cancelled', async () => (await runsOf(troupe))[0]?.status === 'cancelled')
  })

  test('A call over MCP that the shutdown of the server interrupts is answered with the reason.', async () => {
    const { connect, server, troupe } = await serve()
    const client = await connect(keyScope)
    const call = client.callTool({ name: 'run_team', arguments: { task: 1, team: 'Waiting', id: 'w' } })
    const rejected = expect(call).rejects.toMatchObject({
      message: expect.stringContaining('server.draining'),
      data: { status: 503 },
    })
    await until('it runs', async () => (await runsOf(troupe)).length === 1)
    await server.close()
    await rejected
    expect((await runsOf(troupe))[0]?.status).toBe('running')
  })

  test('A call over MCP of a client of 2025 that the shutdown of the server interrupts is answered with the reason.', async () => {
    const { connect, server, troupe } = await serve()
    const client = await connect(keyScope, {})
    const progress: unknown[] = []
    const run = { name: 'run_team', arguments: { task: 1, team: 'Waiting', id: 'w' } }
    // With and without a message in its stream before.
    const calls = [
      client.callTool(run),
      client.callTool(
        { ...run, arguments: { task: 2, team: 'Waiting', id: 'x' } },
        { onprogress: (p) => progress.push(p) },
      ),
    ]
    const rejected = calls.map((call) =>
      expect(call).rejects.toMatchObject({
        message: expect.stringContaining('server.draining'),
        data: { status: 503 },
      }),
    )
    await until('both run', async () => (await runsOf(troupe)).length === 2 && progress.length > 0)
    await server.close()
    await Promise.all(rejected)
  })

  test('A run over MCP is cancelled by a client of 2025 too, in the session of the call.', async () => {
    const { connect, troupe } = await serve()
    const clients = [await connect(keyScope, {}), await connect(keyScope, {})]
    const ends = clients.map(() => new AbortController())
    const run = { name: 'run_team', arguments: { task: 1, team: 'Waiting' } }
    // They number their requests alike.
    const calls = clients.map((client, n) =>
      client.callTool(run, { signal: (ends[n] as AbortController).signal }).catch(() => 'ended'),
    )
    const statuses = async () => (await runsOf(troupe)).map(({ status }) => status).sort()
    await until('both run', async () => (await runsOf(troupe)).length === 2)
    ends[0]?.abort()
    expect(await calls[0]).toBe('ended')
    await until('one is cancelled', async () => (await statuses()).includes('cancelled'))
    expect(await statuses()).toEqual(['cancelled', 'running'])
    ends[1]?.abort()
    await until('so is the other', async () => !(await statuses()).includes('running'))
    await Promise.all(calls)
  })

  test('A run over MCP is awaited as long as requested.', async () => {
    const { connect } = await serve()
    const client = await connect(keyScope)
    await client.callTool({ name: 'run_team', arguments: { task: 1, team: 'Waiting', id: 'long', wait: 0 } })
    const asked = client.callTool({ name: 'get_run', arguments: { run: 'long', wait: 0.1 } }, { timeout: 9_000 })
    expect(structured(await asked)).toEqual({ run: 'long', status: 'running' })
    await client.callTool({ name: 'cancel_run', arguments: { run: 'long' } })
  })

  test('A run over MCP with an id outlives its call, and is found again by it.', async () => {
    const { connect, troupe } = await serve()
    const first = await connect(keyScope)
    const args = { task: 1, team: 'Waiting', id: 'long-1', wait: 0.2 }
    expect(structured(await first.callTool({ name: 'run_team', arguments: args }))).toEqual({
      run: 'long-1',
      status: 'running',
    })
    await first.close()
    expect((await runsOf(troupe)).map(({ id, status }) => [id, status])).toEqual([['long-1', 'running']])
    const reconnected = await connect(keyScope)
    expect(structured(await reconnected.callTool({ name: 'run_team', arguments: args })).status).toBe('running')
    expect(structured(await reconnected.callTool({ name: 'get_run', arguments: { run: 'long-1' } })).status).toBe(
      'running',
    )
    const cancelled = await reconnected.callTool({ name: 'cancel_run', arguments: { run: 'long-1' } })
    expect(structured(cancelled).status).toBe('cancelled')
    expect(await runsOf(troupe)).toHaveLength(1)
    const missing = await reconnected.callTool({ name: 'get_run', arguments: { run: 'none' } })
    expect([missing.isError, JSON.parse(textOf(missing)).success]).toEqual([true, false])
  })
})

describe('the address of MCP', () => {
  test('The MCP route rejects missing keys, foreign origins and hosts, and invalid calls.', async () => {
    const { statusOf, keyOf } = await serve()
    const list = { jsonrpc: '2.0', id: 1, method: 'tools/list' }
    expect(await statusOf('POST', list)).toBe(401)
    const authorization = `Bearer ${await keyOf(keyScope)}`
    const accept = 'application/json, text/event-stream'
    const post = (body: unknown, headers = {}) => statusOf('POST', body, { authorization, accept, ...headers })
    expect(await post(list, { origin: 'https://evil.example' })).toBe(403)
    expect(await post(list, { 'troupe-user': 'eve' })).toBe(403)
    expect(await post(list, { 'troupe-agent': 'Other' })).toBe(403)
    expect(await statusOf('GET', undefined, { authorization })).toBe(405)
    for (const body of ['{', '[]', '{"jsonrpc":"1.0"}', '"x"', '{"jsonrpc":"2.0","id":{},"method":3}']) {
      const status = await post(body)
      expect([body, status >= 400 && status < 500]).toEqual([body, true])
    }
    expect(await post({ ...list, params: { x: 'y'.repeat(2 ** 20) } })).toBe(413)
    const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }
    expect(await post(Array(101).fill(ping))).toBe(400)
    expect(await post(Array(100).fill(ping))).toBe(200)
    expect(await post(list)).toBe(200)
  })

  test('The MCP route answers each of a hundred clients with its own data.', async () => {
    const { url, keyOf, troupe } = await serve()
    const keys = await Promise.all([0, 1, 2, 3].map((n) => keyOf({ users: [`user${n}`], agent: 'Desk' })))
    const all = Array.from({ length: 100 }, async (_, n) => {
      const client = await connectTo(url, keys[n % 4])
      open.push(client)
      await client.callTool({ name: 'push_context', arguments: { key: `k${n}`, value: `v${n}` } })
      const read = await client.callTool({ name: 'get_context', arguments: { key: `k${n}` } })
      const ran = await client.callTool({ name: 'run_team', arguments: { task: n, team: 'Echo' } })
      return [textOf(read).includes(`"v${n}"`), structured(ran).response?.received]
    })
    expect(await Promise.all(all)).toEqual(all.map((_, n) => [true, n]))
    for (const [n] of keys.entries()) {
      const { items } = await troupe.user(`user${n}`).context.keys({ limit: 100 })
      expect(items.every((key) => Number(key.slice(1)) % 4 === n)).toBe(true)
      expect(items).toHaveLength(25)
    }
  })
})
