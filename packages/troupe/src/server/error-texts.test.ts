import { afterEach, expect, it } from 'vitest'
import { z } from 'zod'
import {
  CriticalError,
  createTroupe,
  defineAgent,
  defineMessage,
  defineTool,
  LlmAgent,
  type Message,
  patterns,
  type TroupeConfig,
  Worker,
} from '../index.ts'
import { createVirtualClock, MockModel } from '../testing/index.ts'
import { follow, type Served, Servers, until } from './server-testbed.test.fixture.ts'

const servers = new Servers()
afterEach(() => servers.close())

const canary = 'connect to db-internal-7:5432 as svc_admin failed'
const boom = () => {
  throw new TypeError(canary, { cause: new Error('the cause of it') })
}

const broken = defineTool({
  name: 'broken',
  description: 'Fails.',
  inputSchema: z.object({}),
  effect: 'read',
  execute: boom,
})
const critical = defineTool({
  name: 'critical',
  description: 'Ends the run.',
  inputSchema: z.object({}),
  effect: 'read',
  execute: () => {
    throw new CriticalError(canary, { code: 'shop.closed', hint: canary, details: { host: canary } })
  },
})
const calls = (name: string, then: string) => () => new MockModel({ responses: [{ toolCalls: [{ name }] }, then] })
const refusing = z.object({}).refine(boom)

/** By what the code is that throws. */
const teams = {
  agent: () => patterns.pipeline({ stages: [{ agents: [defineAgent({ name: 'A', run: boom })] }] }),
  effect: () => {
    const run = (_: unknown, ctx: { effect: (...all: never[]) => Promise<never> }) =>
      ctx.effect(...(['pay', { class: 'at-most-once', input: {} }, boom] as never[]))
    return patterns.pipeline({ stages: [{ agents: [defineAgent({ name: 'A', run: run as never })] }] })
  },
  tool: () => {
    const agent = new LlmAgent({ name: 'A', instructions: 'i', model: calls('critical', 'so')(), tools: [critical] })
    return patterns.pipeline({ stages: [{ agents: [agent] }] })
  },
  'tool that the model recovers from': () => {
    const agent = new LlmAgent({ name: 'A', instructions: 'i', model: calls('broken', 'so be it')(), tools: [broken] })
    return patterns.pipeline({ stages: [{ agents: [agent] }] })
  },
  validator: () =>
    patterns.pipeline({
      stages: [{ agents: [defineAgent({ name: 'A', inputSchema: refusing as never, run: async () => 1 })] }],
    }),
  'parallel branch': () => {
    const agents = ['A', 'B'].map((name) => defineAgent({ name, run: boom }))
    return patterns.pipeline({ stages: [{ agents, parallel: true }] })
  },
  schema: () =>
    patterns.pipeline({
      stages: [{ agents: [defineAgent({ name: 'A', outputSchema: refusing as never, run: async () => ({}) })] }],
    }),
} as const

async function served(config: Partial<TroupeConfig> = {}, lines: string[] = []) {
  const log = { format: 'json' as const, destination: { write: (line: string) => void lines.push(line) } }
  const all = Object.fromEntries(Object.entries(teams).map(([name, team]) => [name.replaceAll(' ', '-'), team()]))
  return servers.start({ teams: all, log, ...config }, { key: 'k'.repeat(32) })
}

/** A key of one tenant, as the application of a customer has it, and one of an operator. */
async function headersOf({ troupe }: Served) {
  const plain = await troupe.apiKeys.create({ name: 'customer', users: ['ada'], role: 'admin' })
  const operator = await troupe.apiKeys.create({ name: 'operator', users: 'all', role: 'admin' })
  return {
    caller: { 'x-api-key': plain.key, 'troupe-error-texts': 'show', 'sec-fetch-site': 'same-origin' },
    operator: { 'x-api-key': operator.key, 'troupe-user': 'ada' },
  }
}

async function everythingOf({ call, url }: Served, run: string, headers: Readonly<Record<string, string>>) {
  const paths = [
    '',
    '/result',
    '/why',
    '/export?redact=nothing',
    '/inspect',
    '/at/99',
    '/steps/1%231/calls',
    `/compare/${run}`,
  ]
  const texts: string[] = []
  for (const path of paths) texts.push((await call('GET', `/v1/runs/${run}${path}`, undefined, headers)).text)
  texts.push((await call('GET', `/result/${run}`, undefined, headers)).text)
  texts.push((await call('POST', `/v1/runs/${run}/verify-replay`, {}, headers)).text)
  for (const path of ['/v1/approvals', '/v1/runs?limit=50', '/v1/usage'])
    texts.push((await call('GET', path, undefined, headers)).text)
  for await (const event of follow(`${url}/v1/runs/${run}/events`, headers)) {
    texts.push(JSON.stringify(event))
    if (/^run\.(failed|completed)$/.test(event.event)) break
  }
  return texts.join('\n')
}

it.each(Object.keys(teams))('The text of an error of the code of an %s reaches operators alone.', async (name) => {
  const lines: string[] = []
  const server = await served({}, lines)
  const { caller, operator } = await headersOf(server)
  const body = { team: name.replaceAll(' ', '-'), task: {}, id: 'r' }
  expect((await server.call('POST', '/v1/runs', body, caller)).status).toBe(201)
  await server.call('GET', '/v1/runs/r/result?wait=20s', undefined, caller)
  const seen = await everythingOf(server, 'r', caller)
  expect(seen).not.toContain('svc_admin')
  expect(await everythingOf(server, 'r', operator)).toContain('svc_admin')
  // The caller's id leads to the line of the log that has the stack.
  const errorId = /err_[0-9a-f]{16}/.exec(seen)?.[0]
  if (name.startsWith('tool that')) return
  expect(errorId).toBeDefined()
  const found = lines.filter((line) => line.includes(String(errorId))).map((line) => JSON.parse(line))
  expect(found.some(({ level, err }) => level === 50 && err.stack.includes('error-texts.test.ts'))).toBe(true)
  const runs = await server.call('GET', `/v1/runs?search=${errorId}`, undefined, operator)
  expect(runs.body.items.map(({ id }: { id: string }) => id)).toEqual(['r'])
})

it('A caller of a server that asks for no key gets no texts of errors, unless it asks for them.', async () => {
  const server = await servers.start({ teams: { agent: teams.agent() } })
  await server.call('POST', '/execute', { team: 'agent', task: 1, id: 'r' })
  const result = (headers = {}) => server.call('GET', '/v1/runs/r/result?wait=20s', undefined, headers)
  expect((await result()).body).toMatchObject({ status: 'failed', error: { code: 'agent.failed' } })
  expect((await result()).text).not.toContain('svc_admin')
  expect((await result({ 'sec-fetch-site': 'cross-site' })).text).not.toContain('svc_admin')
  expect((await result({ 'sec-fetch-site': 'same-origin' })).text).toContain('svc_admin')
  expect((await result({ 'troupe-error-texts': 'show' })).text).toContain('svc_admin')
})

it('A client of MCP gets no texts of errors.', async () => {
  const server = await servers.start({ teams: { agent: teams.agent() } })
  const headers = { accept: 'application/json, text/event-stream', 'troupe-error-texts': 'show' }
  const rpc = (id: number, method: string, params: object) =>
    server.call('POST', '/mcp', { jsonrpc: '2.0', id, method, params }, headers)
  const clientInfo = { name: 'c', version: '1' }
  await rpc(1, 'initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo })
  const ran = await rpc(2, 'tools/call', { name: 'run_team', arguments: { task: 1, id: 'r' } })
  expect(ran.text).toContain('agent.failed')
  const later = await rpc(3, 'tools/call', { name: 'get_run', arguments: { run: 'r' } })
  const read = await rpc(4, 'resources/read', { uri: 'troupe://runs/r' })
  for (const { text } of [ran, later, read]) expect(text).not.toContain('svc_admin')
})

it('The reason of a dead letter and the reply to its sender hold no text of an error for a caller.', async () => {
  const Order = defineMessage('order')
  class Stock extends Worker {
    constructor() {
      super('Stock', { retry: { attempts: 1 } })
      this.on(Order, (_: Message<unknown>) => boom())
    }
  }
  const lines: string[] = []
  const server = await served({}, lines)
  const { caller, operator } = await headersOf(server)
  await server.troupe.user('ada').start(new Stock())
  const request = { type: 'order', payload: 1, to: 'Stock' }
  const asked = await server.call('POST', '/v1/messages/request', { ...request, timeout: '20s' }, caller)
  expect(asked.status).toBeGreaterThanOrEqual(400)
  expect(asked.text).not.toContain('svc_admin')
  const path = '/v1/mailboxes/Stock/dead-letters'
  await until('it is dead', async () => (await server.call('GET', path, undefined, operator)).body.items.length > 0)
  expect((await server.call('GET', path, undefined, operator)).text).toContain('svc_admin')
  const dead = await server.call('GET', path, undefined, caller)
  expect(dead.text).not.toContain('svc_admin')
  expect(dead.body.items[0].reason).toMatch(/^Internal error err_/)
  const worker = lines.map((line) => JSON.parse(line)).find(({ msg }) => msg === 'a worker failed')
  expect(worker).toMatchObject({
    level: 50,
    agent: 'Stock',
    messageType: 'order',
    err: { message: expect.any(String) },
  })
})

it('The problem of a schedule and the report of a health check hold no text of an error for a caller.', async () => {
  const clock = createVirtualClock()
  const lines: string[] = []
  const server = await served({ clock, schedules: { prepare: { broken: boom } } } as never, lines)
  const { caller, operator } = await headersOf(server)
  const { schedules } = server.troupe.user('ada')
  await schedules.create({ id: 's', team: 'agent', prepare: 'broken', in: '1s' } as never)
  await clock.advance('2s')
  const schedule = (headers: Readonly<Record<string, string>>) =>
    server.call('GET', '/v1/schedules/s', undefined, headers)
  await until('it has failed', async () => (await schedule(operator)).text.includes('svc_admin'))
  expect((await schedule(caller)).body.problem).toMatchObject({
    message: expect.stringMatching(/^Internal error err_/),
  })
  expect((await schedule(caller)).text).not.toContain('svc_admin')
  server.troupe.healthMonitor.register('shop', boom)
  const monitor = await server.troupe.apiKeys.create({ name: 'm', users: 'all', role: 'readonly' })
  const health = (headers: Readonly<Record<string, string>>) => server.call('GET', '/v1/health', undefined, headers)
  expect((await health(operator)).text).toContain('svc_admin')
  expect((await health({ 'x-api-key': monitor.key })).text).not.toContain('svc_admin')
  const logged = lines.map((line) => JSON.parse(line)).filter(({ level }) => level === 50)
  expect(logged.map(({ msg }) => msg)).toEqual(
    expect.arrayContaining(['a schedule could not start its run', 'a health check failed']),
  )
})

it('The application itself gets the error as it is.', async () => {
  await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  const { error } = await troupe.user('ada').orchestra.run({ task: {}, topology: teams.agent() })
  expect(error).toMatchObject({ message: canary, errorId: expect.stringMatching(/^err_/) })
})
