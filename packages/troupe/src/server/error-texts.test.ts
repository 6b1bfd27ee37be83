import { afterEach, expect, it } from 'vitest'
import {
  createTroupe,
  defineAgent,
  defineMessage,
  type Message,
  patterns,
  type TroupeConfig,
  Worker,
} from '../index.ts'
import { type Served, Servers, until } from './server-testbed.test.fixture.ts'

const servers = new Servers()
afterEach(() => servers.close())

const canary = 'connect to db-internal-7:5432 as svc_admin failed'
const boom = () => {
  throw new TypeError(canary, { cause: new Error('the cause of it') })
}

const agentTeam = () => patterns.pipeline({ stages: [{ agents: [defineAgent({ name: 'A', run: boom })] }] })

async function served(config: Partial<TroupeConfig> = {}, lines: string[] = []) {
  const log = { format: 'json' as const, destination: { write: (line: string) => void lines.push(line) } }
  return servers.start({ log, ...config }, { key: 'k'.repeat(32) })
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

it('A caller of a server that asks for no key gets no texts of errors, unless it asks for them.', async () => {
  const server = await servers.start({ teams: { agent: agentTeam() } })
  await server.call('POST', '/execute', { team: 'agent', task: 1, id: 'r' })
  const result = (headers = {}) => server.call('GET', '/v1/runs/r/result?wait=20s', undefined, headers)
  expect((await result()).body).toMatchObject({ status: 'failed', error: { code: 'agent.failed' } })
  expect((await result()).text).not.toContain('svc_admin')
  expect((await result({ 'sec-fetch-site': 'cross-site' })).text).not.toContain('svc_admin')
  expect((await result({ 'sec-fetch-site': 'same-origin' })).text).toContain('svc_admin')
  expect((await result({ 'troupe-error-texts': 'show' })).text).toContain('svc_admin')
})

it('The list of runs says why a run failed by its code, and by the text to an operator alone.', async () => {
  const server = await served({ teams: { agent: agentTeam() } })
  const { caller, operator } = await headersOf(server)
  await server.troupe.user('ada').orchestra.run({ team: 'agent', task: 1, id: 'r' })
  const list = (headers: object) => server.call('GET', '/v1/runs', undefined, headers as Record<string, string>)
  const found = await list(caller)
  expect(found.body).toMatchObject({ items: [{ status: 'failed', error: { code: 'agent.failed' }, steps: 1 }] })
  expect(found.text).not.toContain('svc_admin')
  expect((await list(operator)).text).toContain('svc_admin')
})

it('A client of MCP gets no texts of errors.', async () => {
  const server = await servers.start({ teams: { agent: agentTeam() } })
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

it('The reasons of dead letters and the replies to their senders hold no text of an error for a caller.', async () => {
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

it('An application that embeds the troupe gets the complete error.', async () => {
  await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  const { error } = await troupe.user('ada').orchestra.run({ task: {}, topology: agentTeam() })
  expect(error).toMatchObject({ message: canary, errorId: expect.stringMatching(/^err_/) })
})
