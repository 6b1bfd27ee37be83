import { type Client, ProtocolError, type Tool as WireTool } from '@modelcontextprotocol/client'
import { expect, test } from 'vitest'
import { type Clock, seededRandom, systemClock, type TroupeError } from '../../../core/index.ts'
import { createSlicedClock } from '../../../core/time/sliced-clock.test.fixture.ts'
import { BoundedEvaluator, securityMigrations, ToolPins } from '../../../security/index.ts'
import { openStorage } from '../../../storage/index.ts'
import { McpConnection } from './mcp-connection.ts'

/** Some 10 kB each. */
const heavyTools = Array.from(
  { length: 1_000 },
  (_, i): WireTool => ({
    name: `tool${i}`,
    description: 'x'.repeat(5_000),
    inputSchema: { type: 'object', properties: { text: { type: 'string', description: 'y'.repeat(5_000) } } },
  }),
)

const tool = (name: string): WireTool => ({ name, inputSchema: { type: 'object' } })

async function connect(
  clock: Clock,
  budgetMs: number,
  tools = heavyTools,
  onCompare = () => {},
  callTool = async () => ({}),
) {
  const storage = await openStorage({
    url: 'memory:',
    migrations: securityMigrations,
    clock: systemClock,
    random: seededRandom('connection'),
  })
  const evaluator = new BoundedEvaluator({ clock }, { budgetMs })
  const pins = new ToolPins({ storage, audit: { actionStatements: () => [] }, production: false })
  let listCount = 0
  const client = {
    listTools: async () => {
      listCount++
      return { tools }
    },
    callTool,
    close: async () => {},
  } as unknown as Client
  let changed = () => {}
  const connection = new McpConnection({
    source: 'heavy',
    platform: { clock, random: seededRandom('connection') },
    limits: { timeoutMs: 1_000, resultLimit: 1_024 },
    evaluator,
    open: async (listeners) => {
      changed = listeners.changed
      return client
    },
    pins: {
      compare: (forms, work) => {
        onCompare()
        return pins.compare('heavy', forms, { work })
      },
      approvals: () => pins.approvals,
    },
  })
  const close = async () => {
    await connection.close()
    await evaluator.close()
    await storage.close()
  }
  return { connection, changed: () => changed(), lists: () => listCount, close }
}

test('The tools of an MCP server are copied and hashed one by one, and other work runs between them.', async () => {
  const sliced = createSlicedClock()
  const { connection, close } = await connect(sliced.clock, Number.POSITIVE_INFINITY)
  expect((await connection.discover()).unapproved).toHaveLength(1_000)
  // Each tool is copied once and hashed once.
  expect(sliced.turns).toBeGreaterThanOrEqual(2_000)
  await close()
})

test('An MCP server that announces a change while its tools are compared is asked for them again.', async () => {
  const announcing = { times: 1, announce: () => {} }
  const opened = await connect(systemClock, Number.POSITIVE_INFINITY, [], () => {
    if (announcing.times-- > 0) announcing.announce()
  })
  announcing.announce = opened.changed
  for (const lists of [1, 2, 2]) {
    await opened.connection.discover()
    expect(opened.lists()).toBe(lists)
  }
  await opened.close()
})

test('An MCP server whose tools take longer than its budget is rejected, and is not asked again within the minute.', async () => {
  const { connection, changed, lists, close } = await connect(systemClock, 100)
  const rejected = { code: 'schema.rejected', message: expect.stringContaining('mcp:heavy') }
  const reading = (async () => {
    for (let i = 0; i < 100; i++) {
      await connection.discover()
      changed()
    }
  })()
  await expect(reading).rejects.toMatchObject(rejected)
  const asked = lists()
  expect(asked).toBeLessThan(20)
  await expect(connection.discover()).rejects.toMatchObject(rejected)
  expect(lists()).toBe(asked)
  await close()
})

test('An MCP server that answers calls with errors is reachable, so that only failures in a row open its circuit.', async () => {
  const answers = { next: 'lost' }
  const { connection, close } = await connect(
    systemClock,
    1_000,
    [tool('t')],
    () => {},
    async () => {
      if (answers.next === 'lost') throw new Error('the connection was cut')
      throw new ProtocolError(-32_602, 'no such file')
    },
  )
  const call = async (next: string) => {
    answers.next = next
    return connection.call('t', {}, new AbortController().signal).catch(({ code, message }: TroupeError) => {
      if (next === 'lost' && code === 'outcome.unknown') expect(message).toContain('(the connection was cut)')
      return code
    })
  }
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 4; i++) expect(await call('lost')).toBe('outcome.unknown')
    expect(await call('error')).toBe('tool.failed')
  }
  for (let i = 0; i < 5; i++) await call('lost')
  expect(await call('error')).toBe('circuit.open')
  await close()
})
