/** What a hand-off shows the next agent of the conversation: nothing, a summary, or all of it. */
import { expect, it } from 'vitest'
import { z } from 'zod'
import { defineAgent, defineTool, handOff, LlmAgent, type LlmAgentOptions, patterns } from '../../index.ts'
import { troupesOfTests } from '../../startup/troupe-testbed.test.fixture.ts'
import { type MockItem, MockModel } from '../../testing/index.ts'

const { ada } = troupesOfTests()

const lookUp = defineTool({
  name: 'look_up',
  description: 'Finds an order.',
  inputSchema: z.object({ order: z.string() }),
  effect: 'read',
  untrusted: 'web',
  execute: async ({ order }) => `order ${order} costs 40 euros`,
})
const toBilling: MockItem = {
  toolCalls: [{ name: 'hand_off', args: { agent_name: 'Billing', request: 'Refund it.' } }],
}
const answer = (text: string): MockItem => ({ toolCalls: [{ name: 'finish', args: { answer: text } }] })

function teamOf(options: Partial<LlmAgentOptions>, responses: readonly MockItem[]) {
  const asked = new MockModel({ responses })
  const billing = new MockModel({ responses: [answer('Refunded.')] })
  const agents = [
    new LlmAgent({ name: 'Triage', model: asked, tools: { look_up: lookUp }, ...options }),
    new LlmAgent({ name: 'Billing', description: 'Handles refunds and invoices.', model: billing }),
  ]
  return { asked, billing, topology: patterns.swarm({ agents }) }
}
const textsSentTo = (model: MockModel) =>
  model.calls[0]?.prompt.flatMap(({ role, content }) =>
    role === 'user' ? content.map((part) => (part.type === 'text' ? part.text : '')) : [],
  )
const lookedUp: MockItem = { toolCalls: [{ name: 'look_up', args: { order: '17' } }] }
const task = 'I want my money back for order 17.'

it('A model that may hand off reads what each agent says of itself.', async () => {
  const { asked, topology } = teamOf({}, [toBilling])
  await (await ada()).orchestra.run({ task, topology })
  const tools = asked.calls[0]?.tools ?? []
  for (const name of ['hand_off', 'invoke_agent'])
    expect(tools.find((tool) => tool.name === name)).toMatchObject({
      description: expect.stringContaining('- Billing: Handles refunds and invoices.'),
    })
})

it('A hand-off carries nothing of the conversation unless it is told to.', async () => {
  const { billing, topology } = teamOf({}, [lookedUp, toBilling])
  await (await ada()).orchestra.run({ task, topology })
  expect(textsSentTo(billing)).toEqual(['Refund it.'])
})

it('A hand-off with all of the conversation carries words, calls and results, and their taint.', async () => {
  const { billing, topology } = teamOf({ handOff: { history: 'all' } }, [lookedUp, toBilling])
  const { orchestra } = await ada()
  const run = await orchestra.start({ task, topology })
  expect(await run.result()).toMatchObject({ response: 'Refunded.', taint: expect.arrayContaining(['untrusted:web']) })
  const [before, request] = textsSentTo(billing) ?? []
  expect(before?.split('\n')).toEqual([
    'What was said before:',
    `user: ${task}`,
    'Triage: (calls look_up with {"order":"17"})',
    expect.stringContaining('order 17 costs 40 euros'),
  ])
  expect(request).toBe('Refund it.')
  expect(await orchestra.verifyReplay(run.id)).toMatchObject({ identical: true })
})

it('A summary comes from the model of the agent that hands off, is recorded, and is paid once.', async () => {
  const { asked, billing, topology } = teamOf({ handOff: { history: 'summary' } }, [
    lookedUp,
    toBilling,
    'The user wants 40 euros back for order 17.',
  ])
  const { orchestra } = await ada()
  const run = await orchestra.start({ task, topology })
  expect(await run.result()).toMatchObject({ status: 'completed' })
  expect(textsSentTo(billing)).toEqual([
    'A summary of what was said before:\nTriage: The user wants 40 euros back for order 17.',
    'Refund it.',
  ])
  expect(asked.calls).toHaveLength(3)
  expect(asked.calls[2]?.tools ?? []).toEqual([])
  expect(await orchestra.verifyReplay(run.id)).toMatchObject({ identical: true })
})

it('A fork from before the next step carries the same history.', async () => {
  const { topology } = teamOf({ handOff: { history: 'all' } }, [lookedUp, toBilling])
  const { orchestra } = await ada()
  const run = await orchestra.start({ task, topology })
  await run.result()
  const events = []
  for await (const event of run.events()) events.push(event)
  const moved = events.find(({ type }) => type === 'branch.moved')
  const otherModel = new MockModel({ responses: [answer('Refunded again.')] })
  const fork = await run.fork({ at: moved?.seq as number, edit: { model: otherModel } })
  expect(await fork.result()).toMatchObject({ response: 'Refunded again.' })
  expect(textsSentTo(otherModel)?.[0]).toContain('order 17 costs 40 euros')
})

it('A function agent carries what it was asked, and what came to it, by rules.', async () => {
  const billing = new MockModel({ responses: [answer('Refunded.')] })
  const agents = [
    defineAgent({ name: 'Front', run: async () => handOff('Desk', 'Sort it out.', { history: 'all' }) }),
    defineAgent({ name: 'Desk', run: async () => handOff('Billing', 'Refund it.', { history: 'summary' }) }),
    new LlmAgent({ name: 'Billing', model: billing }),
  ]
  const { orchestra } = await ada()
  expect(await orchestra.run({ task, topology: patterns.swarm({ agents }) })).toMatchObject({ response: 'Refunded.' })
  expect(textsSentTo(billing)).toEqual([
    `A summary of what was said before:\nuser: ${task}\nuser: Sort it out.`,
    'Refund it.',
  ])
})

it('A long conversation is shortened by rules to its beginning and its newest lines.', async () => {
  const billing = new MockModel({ responses: [answer('Refunded.')] })
  const long = 'word '.repeat(500)
  const steps = 14
  const hop = (n: number) =>
    defineAgent({
      name: `Hop ${n}`,
      run: async () =>
        handOff(n === steps ? 'Billing' : `Hop ${n + 1}`, long, { history: n === steps ? 'summary' : 'all' }),
    })
  const agents = [
    ...Array.from({ length: steps }, (_, n) => hop(n + 1)),
    new LlmAgent({ name: 'Billing', model: billing }),
  ]
  const { orchestra } = await ada()
  const flows = agents.slice(1).map(({ name }, n) => `${agents[n]?.name} -> ${name}`)
  await orchestra.run({ task, topology: { agents, flows } })
  const [before = ''] = textsSentTo(billing) ?? []
  expect(before.length).toBeLessThan(5_000)
  expect(before).toMatch(/user: I want my money back for order 17\.\nsummary: \(\d+ lines are left out\)\nuser: word/)
})

it('A history that is none is rejected by name, also in a result that is edited.', async () => {
  expect(() => handOff('Billing', 1, { history: 'some' as never })).toThrow(
    /handOff\.history.*not none, summary or all/,
  )
  expect(() => handOff('Billing', 1, { histroy: 'all' } as never)).toThrow(/no option histroy/)
  expect(() => new LlmAgent({ name: 'A', handOff: { history: 'some' as never } })).toThrow(/handOff of A\.history/)
  const { topology } = teamOf({}, [toBilling])
  const { orchestra } = await ada()
  const run = await orchestra.start({ task, topology })
  await run.result()
  const edit = { results: { Triage: handOff('Billing', 'x', { history: 'all' }) } }
  await expect(run.fork({ at: 1, edit })).rejects.toThrow(/edited result cannot be a hand-off/)
})
