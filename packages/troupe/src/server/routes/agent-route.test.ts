/** The definition of an agent over HTTP: what operators read of it, and which agents it names. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { AgentPool, defineTool, LlmAgent } from '../../index.ts'
import { MockModel } from '../../testing/index.ts'
import { builtInTools } from '../../tools/index.ts'
import { caller, echo, type Served, Servers } from '../server-testbed.test.fixture.ts'

const refund = defineTool({
  name: 'refund',
  description: 'Pays money back.',
  inputSchema: z.object({ order: z.string() }),
  effect: 'at-most-once',
  needsApproval: true,
  execute: async () => 'paid',
})
const billing = new LlmAgent({
  name: 'Billing',
  description: 'Answers about payments.',
  instructions: 'You may refund an order once.',
  model: new MockModel({ responses: [] }),
  tools: { refund },
  memory: { maxTokens: 2_000 },
  settings: { temperature: 0 },
  role: 'contributor',
  deny: ['delete_context'],
})

const counters = new AgentPool({ name: 'Counters', agent: billing, size: 3 })

describe('The agent route', () => {
  const servers = new Servers()
  let served: Served
  beforeAll(async () => {
    const teams = { support: { agents: [billing], flows: ['Billing -> End'] } }
    served = await servers.start({ agents: [echo, counters], teams }, { authentication: 'required' })
  })
  afterAll(() => servers.close())

  const as = async (role: string) => {
    const { key } = await served.troupe.apiKeys.create({ name: 'n', users: ['ada'], role })
    return caller(served.url, { authorization: `Bearer ${key}` })
  }

  it('The agent route shows a pool with its counts and the definition that it lends.', async () => {
    await using _ = await counters.acquire()
    const { body } = await (await as('moderator'))('GET', '/v1/agents/Counters')
    expect(body).toMatchObject({
      name: 'Counters',
      kind: 'model',
      instructions: 'You may refund an order once.',
      pool: { size: 3, created: 1, inUse: 1, idle: 0, waiting: 0, acquired: 1, timeouts: 0, disposed: 0 },
    })
  })

  it('The agent route shows the model, instructions, tools and rights of an agent of a team.', async () => {
    const { status, body } = await (await as('moderator'))('GET', '/v1/agents/Billing')
    expect([status, body]).toEqual([
      200,
      {
        name: 'Billing',
        description: 'Answers about payments.',
        kind: 'model',
        models: ['mock/mock'],
        instructions: 'You may refund an order once.',
        tools: [
          {
            name: 'refund',
            description: 'Pays money back.',
            effect: 'at-most-once',
            approval: 'always',
            builtIn: false,
          },
        ],
        toolSources: [],
        helpers: [],
        role: 'contributor',
        deny: ['delete_context'],
        memory: { maxTokens: 2_000, consolidates: false },
        options: { memory: { maxTokens: 2_000 }, settings: { temperature: 0 } },
        code: ['model'],
        fingerprint: billing.fingerprint,
      },
    ])
  })

  it('The agent route names the options that hold code, and shows those that are data.', async () => {
    const checked = new LlmAgent({
      name: 'Checked',
      model: 'offline/extractive',
      tools: builtInTools('get_context'),
      output: z.object({ total: z.number() }),
      memory: { compaction: { at: 0.5, by: () => 'short' } },
      toolSelection: () => [],
      policy: [{ tool: '*', do: 'ask' }],
      untrusted: 'hide',
      handOff: { history: 'all' },
    })
    const { call } = await servers.start({ agents: [checked] })
    expect((await call('GET', '/v1/agents/Checked')).body).toMatchObject({
      tools: [{ name: 'get_context', builtIn: true }],
      options: {
        memory: { compaction: { at: 0.5 } },
        policy: [{ tool: '*', do: 'ask' }],
        untrusted: 'hide',
        handOff: { history: 'all' },
      },
      code: ['memory.compaction.by', 'output', 'toolSelection'],
    })
  })

  it('The agent route shows a registered function agent, and names the known agents for an unknown one.', async () => {
    const call = await as('moderator')
    expect((await call('GET', '/v1/agents/Echo')).body).toMatchObject({ name: 'Echo', kind: 'function', tools: [] })
    const unknown = await call('GET', '/v1/agents/Ecko')
    expect([unknown.status, unknown.text]).toEqual([404, expect.stringContaining('Echo')])
  })

  it('The agent route rejects a caller whose role is below moderator.', async () => {
    expect((await (await as('readonly'))('GET', '/v1/agents/Echo')).status).toBe(403)
  })
})
