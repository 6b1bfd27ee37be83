/** Agents that agents call like tools: in the same step, each with a conversation and reservations of its own. */
import { expect, it } from 'vitest'
import { z } from 'zod'
import type { Json } from '../../core/index.ts'
import { LlmAgent } from '../../startup/llm-agent.ts'
import { solo, troupesOfTests } from '../../startup/troupe-testbed.test.fixture.ts'
import { type MockItem, MockModel } from '../../testing/index.ts'
import { builtInTools, defineTool } from '../../tools/index.ts'
import { defineAgent, handOff, type LlmAgentOptions } from '../index.ts'

const { ada } = troupesOfTests()
const scripted = (name: string, responses: readonly MockItem[], agents: Record<string, LlmAgent> = {}) => {
  const model = new MockModel({ responses })
  return { model, agent: new LlmAgent({ name, model, agents }) }
}
const asking = (names: readonly string[], turn = 0): MockItem => ({
  toolCalls: names.map((name) => ({ name, args: { request: `part ${turn} of the work of ${name}` } })),
})

it('A helper of a helper has a conversation of its own.', async () => {
  const user = await ada()
  const leaf = scripted('Leaf', ['a leaf', 'another leaf'])
  const branch = scripted('Branch', [asking(['leaf', 'leaf']), 'a branch'], { leaf: leaf.agent })
  const root = scripted('Root', [asking(['branch']), 'a tree', 'still a tree'], { branch: branch.agent })
  const session = user.session(root.agent, { threadId: 't' })
  expect(await session.generate('Grow.')).toMatchObject({ text: 'a tree', usage: { inputTokens: 60 } })
  expect(branch.model.calls.map(({ prompt }) => prompt.length)).toEqual([1, 3])
  expect(leaf.model.calls.map(({ prompt }) => prompt.length)).toEqual([1, 1])
  expect(await session.chat('And now?')).toBe('still a tree')
})

it('A session sends no message that its agent may not send.', async () => {
  const user = await ada()
  const readonlyAgent = new LlmAgent({ name: 'Quiet', model: new MockModel({ responses: [] }), role: 'readonly' })
  const denied = { code: 'access.denied', details: { agent: 'Quiet' } }
  await expect(user.session(readonlyAgent).sendMessage('Lead', 'psst')).rejects.toMatchObject(denied)
  const listener = readonlyAgent.with({ name: 'Heard', role: 'contributor' })
  expect(await user.session(listener).sendMessage('Lead', 'hello')).toMatchObject({ from: 'Heard', payload: 'hello' })
})

it('The reservations of parallel helpers are released separately.', async () => {
  const { orchestra } = await ada()
  const turns = 6
  const helper = () =>
    scripted(
      'Helper',
      Array.from({ length: turns }, () => 'helped'),
    ).agent
  const [one, two] = [helper(), helper().with({ name: 'Other' })]
  const lead = scripted('Lead', [...Array.from({ length: turns }, (_, turn) => asking(['one', 'two'], turn)), 'done'], {
    one,
    two,
  })
  const run = await orchestra.start({
    task: 'go',
    topology: solo(lead.agent),
    config: { budget: { tokens: 5_000 } },
  })
  expect(await run.result()).toMatchObject({ status: 'completed', response: 'done' })
})

it('A helper has the rights that both it and its caller have, alone and in a team.', async () => {
  const pushing = (key: string): MockItem => ({ toolCalls: [{ name: 'push_context', args: { key, value: 1 } }] })
  const tools = builtInTools('push_context')
  const team = (key: string, caller: Partial<LlmAgentOptions>, helper: Partial<LlmAgentOptions>) => {
    const own = { name: 'Leaf', model: new MockModel({ responses: [pushing(key), 'done'] }), tools }
    const leaf = new LlmAgent({ ...own, ...helper })
    const branch = scripted('Branch', [asking(['leaf']), 'a branch'], { leaf }).agent.with(caller)
    return scripted('Root', [asking(['branch']), 'a tree'], { branch }).agent
  }
  const user = await ada()
  const cases = {
    both: [{}, {}],
    helper: [{}, { role: 'readonly' }],
    listed: [{}, { allow: ['get_context'] }],
    caller: [{ role: 'readonly' }, { role: 'admin' }],
  } as const
  for (const [name, [caller, helper]] of Object.entries(cases)) {
    await user.session(team(`alone-${name}`, caller, helper)).chat('Grow.')
    const topology = solo(team(`run-${name}`, caller, helper))
    expect(await (await user.orchestra.start({ task: 'Grow.', topology })).result()).toMatchObject({ success: true })
  }
  expect((await user.context.keys()).items).toEqual(['alone-both', 'run-both'])
})

it('A tool that is denied to a caller is denied to its helpers at any depth.', async () => {
  const user = await ada()
  const paid: string[] = []
  const pay = defineTool({
    name: 'pay',
    description: 'Pays.',
    inputSchema: z.object({ to: z.string() }),
    execute: ({ to }) => void paid.push(to),
  })
  const paying = (to: string): MockItem => ({ toolCalls: [{ name: 'pay', args: { to } }] })
  const team = (to: string, caller: Partial<LlmAgentOptions>) => {
    const leaf = scripted('Leaf', [paying(to), 'done']).agent.with({ tools: [pay] })
    const branch = scripted('Branch', [asking(['leaf']), 'a branch'], { leaf }).agent
    return scripted('Root', [asking(['branch']), 'a tree'], { branch }).agent.with(caller)
  }
  await user.session(team('granted', {})).chat('Grow.')
  await user.session(team('denied', { deny: ['pay'] })).chat('Grow.')
  await user.session(team('leafless', { deny: ['leaf'] })).chat('Grow.')
  expect(paid).toEqual(['granted'])
})

it('An agent of the team that is also a helper has no more rights than its caller.', async () => {
  const user = await ada()
  await user.context.push('plan', 1)
  const clerk = defineAgent({ name: 'Clerk', role: 'admin', run: (_: Json, ctx) => ctx.context.delete('plan') })
  const model = new MockModel({
    responses: [asking(['clerk']), { toolCalls: [{ name: 'finish', args: { answer: 'x' } }] }],
  })
  const lead = new LlmAgent({ name: 'Lead', model, role: 'readonly', agents: { clerk } })
  const topology = { agents: [lead, clerk], flows: ['Start -> Lead', 'Lead <-> Clerk', 'Lead -> End'] }
  await (await user.orchestra.start({ task: 'Tidy up.', topology })).result()
  expect(await user.context.get('plan')).toBe(1)
})

it('A helper does not get the history that came with the hand-off to its caller.', async () => {
  const first = defineAgent({ name: 'First', run: () => handOff('Lead', 'go', { history: 'all' }) })
  const received: unknown[] = []
  const clerk = defineAgent({ name: 'Clerk', run: (_: Json, ctx) => received.push(ctx.history) })
  const model = new MockModel({ responses: [asking(['clerk']), 'done'] })
  const lead = new LlmAgent({ name: 'Lead', model, agents: { clerk } })
  const topology = { agents: [first, lead], flows: ['Start -> First', 'First -> Lead', 'Lead -> End'] }
  const run = await (await ada()).orchestra.start({ task: 'Tidy up.', topology })
  expect(await run.result()).toMatchObject({ response: 'done' })
  expect(JSON.stringify(model.calls[0]?.prompt)).toContain('What was said before')
  expect(received).toEqual([[]])
})
