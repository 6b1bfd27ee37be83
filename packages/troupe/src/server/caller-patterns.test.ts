/**
 * Patterns of keys of callers: where the matcher fails on the main thread, each operation with a pattern works, since the
 * thread of the evaluator has a matcher of its own.
 */
import { mkdtempDisposableSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { defineAgent } from '../agents/index.ts'
import { defineMessage } from '../messaging/index.ts'
import { KeyMatcher } from '../security/index.ts'
import { createTroupe } from '../startup/index.ts'
import { createVirtualClock } from '../testing/index.ts'
import { caller, echo, follow, Servers } from './server-testbed.test.fixture.ts'

const servers = new Servers()
beforeEach(() => {
  vi.spyOn(KeyMatcher.prototype, 'matches').mockImplementation(() => {
    throw new Error('matched on the main thread')
  })
})
afterEach(async () => {
  vi.restoreAllMocks()
  await servers.close()
})
const pattern = 'orders.*.done'
const done = 'orders.8.done'
const pollOptions = { timeout: 20_000, interval: 5 }

const protocol = '2026-07-28'
const mcpHeaders = {
  accept: 'application/json, text/event-stream',
  'mcp-protocol-version': protocol,
  'mcp-method': 'tools/call',
}
const mcpCall = (name: string, args: object) => ({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: {
    name,
    arguments: args,
    _meta: {
      'io.modelcontextprotocol/protocolVersion': protocol,
      'io.modelcontextprotocol/clientInfo': { name: 'caller', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {},
    },
  },
})

const callers = [{ authentication: 'required' as const }, { authentication: 'open' as const }]

/** With the task `ask` it waits for an answer first, with `child` it starts a run of its own. */
const lister = defineAgent({
  name: 'Lister',
  run: async (task, ctx): Promise<unknown> => {
    if (task === 'ask') await ctx.ask({ text: 'Go on?' })
    if (task === 'child') return (await (await ctx.startRun({ agent: 'Lister', task: 1 })).result()).response
    await ctx.context.push('orders.8.done', 8)
    return { keys: (await ctx.context.keys({ pattern })).items }
  },
})

async function started(authentication: 'required' | 'open') {
  const clock = createVirtualClock({ start: Date.parse('2026-01-01T00:00:00Z') })
  const teams = { solo: { agents: [echo], flows: ['Echo -> End'] } }
  const served = await servers.start({ agents: [echo, lister], teams, clock }, { authentication, rateLimit: false })
  const { key } = await served.troupe.apiKeys.create({ name: 'key', users: ['default'], role: 'moderator' })
  const headers = authentication === 'required' ? { authorization: `Bearer ${key}` } : {}
  return { ...served, clock, headers, call: caller(served.url, headers) }
}

it.each(callers)(
  'The main thread matches no pattern of a caller in a list, over HTTP and MCP and in a run, with $authentication authentication.',
  async ({ authentication }) => {
    const { call, troupe } = await started(authentication)
    const { context } = troupe.user('default')
    for (const key of ['orders.1.done', 'orders.2.open', 'orders.3.done']) await context.push(key, key)
    const keys = ['orders.1.done', 'orders.3.done']
    const found = keys.map((key) => ({ key }))
    expect((await call('GET', `/v1/context/entries?pattern=${pattern}`)).body).toMatchObject({ items: found })
    expect((await call('GET', `/v1/context/keys?pattern=${pattern}`)).body).toMatchObject({ items: keys })
    const listed = await call('POST', '/mcp', mcpCall('list_context_keys', { pattern }), {
      ...mcpHeaders,
      'mcp-name': 'list_context_keys',
    })
    expect(listed.text).toContain('orders.3.done')
    expect(listed.text).not.toContain('main thread')
    await call('POST', '/v1/runs', { id: 'r', task: 1, agent: 'Lister' })
    const { body } = await call('GET', '/v1/runs/r/result?wait=20s')
    expect(body).toMatchObject({ response: { keys: [...keys, 'orders.8.done'] } })
    await expect(context.list({ pattern })).rejects.toThrow('matched on the main thread')
    expect((await context.list({ pattern: 'orders.1*' })).items).toMatchObject([{ key: 'orders.1.done' }])
  },
)

it.each(callers)(
  'The main thread matches no pattern of a caller that watches, with $authentication authentication.',
  async ({ authentication }) => {
    const { url, headers, troupe } = await started(authentication)
    const { context } = troupe.user('default')
    const seen: string[] = []
    const ends = new AbortController()
    const watch = async (query: string) => {
      for await (const { event, data } of follow(`${url}/v1/context/watch?${query}`, headers, ends.signal))
        seen.push(event === 'open' ? event : `${event} ${data.key}`)
    }
    const watched = watch(`pattern=${pattern}`).catch(() => {})
    await expect.poll(() => seen, pollOptions).toEqual(['open'])
    for (const key of ['orders.1.done', 'orders.2.open', 'orders.3.done']) await context.push(key, key)
    await context.delete('orders.1.done')
    const changes = ['put orders.1.done', 'put orders.3.done', 'removed orders.1.done']
    await expect.poll(() => seen, pollOptions).toEqual(['open', ...changes])
    ends.abort()
    await watched
    await expect(context.watch({ pattern, from: 0 })[Symbol.asyncIterator]().next()).rejects.toThrow('main thread')
  },
)

it.each(callers)(
  'The main thread matches no pattern of a schedule that a caller created, with $authentication authentication.',
  async ({ authentication }) => {
    const { call, clock, troupe } = await started(authentication)
    const { context } = troupe.user('default')
    const spec = { id: 'orders', team: 'solo', onContext: { pattern } }
    expect(await call('POST', '/v1/schedules', spec)).toMatchObject({ status: 201 })
    await context.push('orders.2.open', 2)
    await context.push('orders.1.done', 1)
    const shown = async () => {
      await clock.advance('5ms')
      return (await call('GET', '/v1/schedules/orders')).body
    }
    await expect.poll(shown, pollOptions).toMatchObject({ lastRun: { id: expect.stringContaining('orders@') } })
    const { lastRun } = await shown()
    const run = await troupe.user('default').orchestra.get(lastRun.id)
    expect(await run.result()).toMatchObject({ response: { received: { key: 'orders.1.done' } } })
  },
)

it('A run that a caller started and another process continues uses the thread, as do its child runs, its forks and scheduled runs.', async () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'troupe-caller-patterns-'))
  const storage = `sqlite:${join(folder.path, 'runs.db')}`
  const config = { agents: [echo, lister], storage }
  const first = await servers.start(config, { authentication: 'open' })
  const call = caller(first.url)
  await call('POST', '/v1/runs', { id: 'r', task: 'ask', agent: 'Lister' })
  await call('POST', '/v1/runs', { id: 'child', task: 'child', agent: 'Lister' })
  expect((await call('GET', '/v1/runs/child/result?wait=20s')).body).toMatchObject({ response: { keys: [done] } })
  expect((await call('GET', '/v1/runs/r/result?wait=20s')).body).toMatchObject({ status: 'waiting' })
  const waits = { task: 'ask', agent: 'Lister', onMessage: { type: 'inquiry' } }
  expect(await call('POST', '/v1/schedules', { id: 's', ...waits })).toMatchObject({ status: 201 })
  const own = await first.troupe.user('default').orchestra.start({ id: 'own', task: 'ask', agent: 'Lister' })
  await own.result()
  await servers.close()

  await using troupe = await createTroupe({ ...config, log: 'silent' })
  const user = troupe.user('default')
  const { orchestra, schedules } = user
  const answered = async (id: string) => {
    const run = await orchestra.get(id)
    const { questions } = await run.result()
    await run.answer(questions[0]?.id as string, 'yes')
    return run.result()
  }
  expect(await answered('r')).toMatchObject({ response: { keys: [done] } })
  const fork = await orchestra.fork('r', { at: 1 })
  expect(await answered(fork.id)).toMatchObject({ response: { keys: [done] } })
  await user.agent('Desk').messages.send(defineMessage('inquiry'), 'now', { to: 's' })
  const scheduled = async () => (await schedules.get('s')).lastRun?.id
  await expect.poll(scheduled, pollOptions).toContain('s@')
  expect(await answered((await scheduled()) as string)).toMatchObject({ response: { keys: [done] } })
  // The main thread evaluates what the application's own run lists, also in another process.
  expect(await answered('own')).toMatchObject({ error: { message: expect.stringContaining('main thread') } })
})

it('A list and a watch over HTTP whose thread ends have its error, the watch resumes after its last event, and a schedule loses no change.', async () => {
  const { url, call, clock, troupe } = await started('open')
  const { context } = troupe.user('default')
  await call('POST', '/v1/schedules', { id: 'third', team: 'solo', onContext: { pattern: 'orders.3*done' } })
  await context.push('orders.1.done', 1)
  const events = follow(`${url}/v1/context/watch?pattern=${pattern}`)
  expect((await events.next()).value).toMatchObject({ event: 'open' })
  await context.push('orders.2.done', 2)
  const { value: last } = await events.next()
  expect(last).toMatchObject({ event: 'put', data: { key: 'orders.2.done' } })
  const failed: string[] = []
  const { postMessage } = Worker.prototype
  const post = vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (this: Worker, message: object) {
    if (!('matches' in message)) return postMessage.call(this, message)
    failed.push(JSON.stringify(message))
    void this.terminate()
  })
  expect(await call('GET', `/v1/context/keys?pattern=${pattern}`)).toMatchObject({
    status: 429,
    body: { code: 'capacity.exceeded', detail: expect.stringContaining('ended the thread') },
  })
  await context.push('orders.3.done', 3)
  expect((await events.next()).value).toMatchObject({ event: 'problem', data: { code: 'capacity.exceeded' } })
  expect(await events.next()).toMatchObject({ done: true })
  await expect.poll(() => failed, pollOptions).toContainEqual(expect.stringContaining('orders.3*done'))
  post.mockRestore()
  const resumed = follow(`${url}/v1/context/watch?pattern=${pattern}`, { 'last-event-id': last?.id ?? '' })
  expect((await resumed.next()).value).toMatchObject({ event: 'open' })
  expect((await resumed.next()).value).toMatchObject({ event: 'put', data: { key: 'orders.3.done' } })
  await resumed.return(undefined)
  const shown = async () => {
    await clock.advance('1s')
    return (await call('GET', '/v1/schedules/third')).body
  }
  await expect.poll(shown, pollOptions).toMatchObject({ lastRun: { id: expect.stringContaining('third@') } })
})
