/** Calls over MCP in the audit log, and what a client that is bound to an agent sees of runs. */
import { afterEach, describe, expect, test } from 'vitest'
import { defineAgent, finish } from '../../src/agents/index.ts'
import type { KeyScope } from '../../src/security/index.ts'
import { serve } from '../../src/server/index.ts'
import { createTroupe } from '../../src/startup/index.ts'
import { connectTo, modern, structured, textOf } from './clients.ts'

const open: { close(): Promise<unknown> }[] = []
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

const secret = 'CANARY-of-a'
const echo = defineAgent({ name: 'Echo', run: async (input) => ({ received: input }) })
const holding = defineAgent({
  name: 'A',
  run: async (_, ctx) => finish(await ctx.ask({ text: `Well, ${secret}?` })),
})

async function opened() {
  const troupe = await createTroupe({
    storage: 'memory:',
    log: 'silent',
    agents: [echo, holding],
    audit: { reads: true },
  })
  open.push(troupe)
  const server = await serve(troupe, { port: 0, authentication: 'required', rateLimit: false })
  open.push(server)
  const connect = async (scope: KeyScope) => {
    const { id, key } = await troupe.apiKeys.create({ name: 'k', ...scope })
    const client = await connectTo(server.url, key, modern)
    open.push(client)
    return { id, client }
  }
  return { troupe, connect }
}

/** Arguments with which each tool does something; WAITS is a run that waits with QUESTION. */
const calls: Readonly<Record<string, object>> = {
  push_context: { key: 'plan', value: '1' },
  get_context: { key: 'there' },
  list_context: {},
  list_context_keys: {},
  delete_context: { key: 'there' },
  subscribe_to_topics: { topics: ['orders'] },
  unsubscribe_from_topics: { topics: ['orders'] },
  discover_topics: {},
  delete_topic: { topic: 'orders', confirm: true },
  batch_context_operation: { operations: [{ type: 'push', key: 'batched', value: '1' }] },
  send_message_to_agent: { to_agent: 'Stock', message: 'x' },
  get_messages_from_agents: {},
  broadcast_message_to_agents: { to_agents: ['Stock'], message: 'x' },
  run_team: { task: 1, team: 'Echo' },
  get_run: { run: 'WAITS' },
  answer_run: { run: 'WAITS', question: 'QUESTION', value: 'x' },
  cancel_run: { run: 'WAITS' },
}

describe('the audit log of MCP', () => {
  test('The audit log of MCP records each call of each tool with its API key.', async () => {
    const { troupe, connect } = await opened()
    const ada = troupe.user('ada')
    const { client } = await connect({ users: ['ada'], role: 'admin' })
    const { tools } = await client.listTools()
    expect(tools.map(({ name }) => name).sort()).toEqual(Object.keys(calls).sort())
    for (const { name } of tools) {
      await ada.context.push('there', 1, { topics: ['orders'] })
      const run = await ada.orchestra.start({ task: 1, agent: 'A' })
      const [question] = (await run.result()).questions
      const text = JSON.stringify(calls[name])
        .replace('WAITS', run.id)
        .replace('QUESTION', question?.id ?? '')
      const { id, client: caller } = await connect({ users: ['ada'], role: 'admin' })
      const result = await caller.callTool({ name, arguments: JSON.parse(text) })
      expect([name, result.isError === true ? textOf(result) : '']).toEqual([name, ''])
      await troupe.audit.flush()
      const { items } = await troupe.audit.list({ user: 'ada', limit: 1_000 })
      const own = items.filter((one) => one.key === id && one.allowed && one.actor === 'host')
      expect([name, own.length > 0]).toEqual([name, true])
    }
  })

  test('The audit log of MCP records each refused call and read once.', async () => {
    const { troupe, connect } = await opened()
    const run = await troupe.user('ada').orchestra.start({ task: 1, agent: 'A' })
    await run.result()
    const { id, client } = await connect({ users: ['ada'], role: 'readonly', operations: ['messages.read'] })
    for (const name of ['push_context', 'get_context', 'run_team', 'get_run'])
      await expect(client.callTool({ name, arguments: { run: run.id } })).rejects.toThrow('no tool')
    for (const uri of ['troupe://context/plan', `troupe://runs/${run.id}`])
      await expect(client.readResource({ uri })).rejects.toThrow('not found')
    await expect(client.callTool({ name: 'none', arguments: {} })).rejects.toThrow('no tool')
    await troupe.audit.flush()
    const { items } = await troupe.audit.incidents({ user: 'ada' })
    expect(items.map(({ operation, key, reason }) => [operation, key, reason]).sort()).toEqual(
      ['context.push', 'context.read', 'context.read', 'runs.read', 'runs.read', 'runs.start'].map((operation) => [
        operation,
        id,
        'request.forbidden',
      ]),
    )
  })
})

describe('an MCP client bound to an agent', () => {
  test('An MCP client that is bound to an agent learns nothing of runs without its steps, and only the status of others.', async () => {
    const { troupe, connect } = await opened()
    const run = await troupe.user('ada').orchestra.start({ task: secret, agent: 'A' })
    const [question] = (await run.result()).questions
    const answer = { run: run.id, question: question?.id, value: 'forged' }
    const { client: stranger } = await connect({ users: ['ada'], agent: 'B', role: 'admin' })
    for (const [name, args] of Object.entries({
      get_run: { run: run.id },
      answer_run: answer,
      cancel_run: { run: run.id },
    })) {
      const result = await stranger.callTool({ name, arguments: args })
      expect([name, result.isError, textOf(result).includes(secret)]).toEqual([name, true, false])
      expect(textOf(result)).toContain('run.unknown')
    }
    await expect(stranger.readResource({ uri: `troupe://runs/${run.id}` })).rejects.toThrow('not found')
    const repeated = { task: secret, team: 'A', id: run.id }
    expect((await stranger.callTool({ name: 'run_team', arguments: repeated })).isError).toBe(true)
    const { client: own } = await connect({ users: ['ada'], agent: 'A', role: 'admin' })
    expect(structured(await own.callTool({ name: 'get_run', arguments: { run: run.id } }))).toEqual({
      run: run.id,
      status: 'waiting',
      reason: 'question',
    })
    const { contents } = await own.readResource({ uri: `troupe://runs/${run.id}` })
    expect(JSON.parse((contents[0] as { text: string }).text)).toEqual({ run: run.id, status: 'waiting' })
    expect((await run.status()).status).toBe('waiting')
  })
})
