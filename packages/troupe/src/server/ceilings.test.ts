/** Ceilings of budgets hold whatever a caller of the server asks for. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { z } from 'zod'
import { defineTool, LlmAgent } from '../index.ts'
import { MockModel } from '../testing/index.ts'
import { Servers } from './server-testbed.test.fixture.ts'

const servers = new Servers()
afterEach(() => servers.close())

const noop = defineTool({
  name: 'noop',
  description: 'Does nothing.',
  inputSchema: z.object({ n: z.number() }),
  effect: 'read',
  execute: ({ n }) => n,
})
/** A team that calls its model without end, 2,000 tokens each. */
const costly = () => {
  let calls = 0
  const model = new MockModel({
    responses: Array.from({ length: 300 }, () => () => ({
      text: '',
      toolCalls: [{ name: 'noop', args: { n: calls++ } }],
      usage: { inputTokens: 1_000, outputTokens: 1_000 },
    })),
  })
  const agent = new LlmAgent({ name: 'Costly', model, settings: { maxTurns: 100 }, tools: { noop } })
  return { model, agent, form: { agents: [agent], flows: ['Start -> Costly', 'Costly -> End'] } }
}
const wide = { budget: { tokens: 1e12 } }

it('A caller of a server cannot widen the budget of a team.', async () => {
  const { model, form } = costly()
  const teams = { costly: { ...form, config: { budget: { tokens: 5_000 } } } }
  const { call } = await servers.start({ agents: [], teams })
  const widened = await call('POST', '/v1/runs', { team: 'costly', task: 1, config: wide })
  expect(widened).toMatchObject({ status: 400, body: { code: 'budget.ceiling' } })
  const scheduled = await call('POST', '/v1/schedules', { team: 'costly', task: 1, every: '1h', config: wide })
  expect(scheduled).toMatchObject({ status: 400, body: { code: 'budget.ceiling' } })
  const { run } = (await call('POST', '/v1/runs', { team: 'costly', task: 1, config: { budget: { steps: 9 } } })).body
  const { body } = await call('GET', `/v1/runs/${run}/result?wait=20s`)
  expect(body).toMatchObject({ status: 'failed', guard: { name: 'tokens', limit: 5_000 } })
  expect(model.calls).toHaveLength(2)
  const retried = await call('POST', `/v1/runs/${run}/retry`, { budget: { tokens: 5_001 } })
  expect(retried).toMatchObject({ status: 400, body: { code: 'budget.ceiling' } })
})

it('A caller of a server cannot exceed limits.run by a topology, an agent, a fork or a retry of its own.', async () => {
  const { model, form } = costly()
  const { call, troupe } = await servers.start({ agents: form.agents, limits: { run: { tokens: 5_000 } } })
  const topology = { agents: ['Costly'], flows: form.flows, config: wide }
  const runs: string[] = []
  for (const body of [{ topology }, { agent: 'Costly' }]) {
    model.calls.length = 0
    const { run } = (await call('POST', '/v1/runs', { task: 1, ...body })).body
    const { body: result } = await call('GET', `/v1/runs/${run}/result?wait=20s`)
    expect(result).toMatchObject({ status: 'failed', guard: { name: 'tokens', limit: 5_000 } })
    expect(model.calls).toHaveLength(2)
    const asked = await call('POST', '/v1/runs', { task: 1, ...body, config: wide })
    expect(asked).toMatchObject({ status: 400, body: { code: 'budget.ceiling' } })
    const retried = await call('POST', `/v1/runs/${run}/retry`, { budget: { tokens: 1e12 } })
    expect(retried).toMatchObject({ status: 400, body: { code: 'budget.ceiling' } })
    runs.push(run)
  }
  const fork = await troupe.user('default').orchestra.fork(runs[0] ?? '', { at: 1 })
  expect(await fork.result()).toMatchObject({ status: 'failed', guard: { name: 'tokens', limit: 5_000 } })
})

it('A caller of a server cannot exceed limits.run over MCP or by a schedule.', async () => {
  const { model, form } = costly()
  const { call } = await servers.start({ agents: form.agents, limits: { run: { tokens: 5_000 } } })
  const message = {
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'run_team', arguments: { team: 'Costly', task: 'x', id: 'by-mcp' } },
  }
  const headers = { accept: 'application/json, text/event-stream', 'mcp-protocol-version': '2025-06-18' }
  expect((await call('POST', '/mcp', message, headers)).status).toBe(200)
  const over = { status: 'failed', guard: { name: 'tokens', limit: 5_000 } }
  expect((await call('GET', '/v1/runs/by-mcp/result?wait=20s')).body).toMatchObject(over)
  const { body: schedule } = await call('POST', '/v1/schedules', { agent: 'Costly', task: 1, every: '1d' })
  const { body: triggered } = await call('POST', `/v1/schedules/${schedule.id}/trigger`)
  expect((await call('GET', `/v1/runs/${triggered.run}/result?wait=20s`)).body).toMatchObject(over)
  expect(model.calls).toHaveLength(4)
})

it('A fork of a run that started without a limit has the current limit.', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-ceilings-'))
  const { form } = costly()
  const config = { agents: form.agents, storage: `sqlite:${join(folder, 'troupe.db')}` }
  const before = await servers.start(config)
  const run = await before.troupe
    .user('ada')
    .orchestra.start({ task: 1, topology: form, config: { budget: { tokens: 9_000 } } })
  expect((await run.result()).guard).toMatchObject({ name: 'tokens', limit: 9_000 })
  await servers.close()
  const after = await servers.start({ ...config, limits: { run: { tokens: 5_000 } } })
  const fork = await after.troupe.user('ada').orchestra.fork(run.id, { at: 1 })
  expect((await fork.result()).guard).toMatchObject({ name: 'tokens', limit: 5_000 })
  await servers.close()
  rmSync(folder, { recursive: true })
})
