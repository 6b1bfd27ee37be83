import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { type Agent, defineAgent, defineTool, LlmAgent } from '../../../index.ts'
import { troupesOfTests } from '../../../startup/troupe-testbed.test.fixture.ts'
import { MockModel } from '../../../testing/index.ts'

const { ada, opened, closeAll } = troupesOfTests()

const executions: string[] = []
const lookUp = defineTool({
  name: 'lookUp',
  description: 'Looks an order up.',
  inputSchema: z.object({ order: z.number() }),
  effect: 'read',
  execute: async ({ order }) => {
    executions.push(`order ${order}`)
    return { order, state: 'sent' }
  },
})
const responses = [{ toolCalls: [{ name: 'lookUp', args: { order: 17 } }] }, 'It was sent.']

function clerk(model: MockModel, instructions = 'Be brief.') {
  return new LlmAgent({ name: 'Clerk', instructions, model, tools: { lookUp }, settings: { temperature: 0.3 } })
}
const plain = (value: unknown) => JSON.parse(JSON.stringify(value))

describe('orchestra.prompts', () => {
  it('orchestra.prompts returns each model call with the messages, tools and settings that the model was given.', async () => {
    const model = new MockModel({ responses })
    const user = await ada()
    const run = await user.orchestra.start({ agent: clerk(model), task: 'Where is order 17?' })
    await run.output()
    const before = [model.calls.length, executions.length]
    const prompts = await user.orchestra.prompts(run.id, '1#1')
    expect(prompts.map(({ name }) => name)).toEqual(['1', '2'])
    expect(prompts.map(({ prompt }) => prompt)).toEqual(model.calls.map(({ prompt }) => plain(prompt)))
    expect(prompts.map(({ tools }) => tools)).toEqual(model.calls.map(({ tools }) => plain(tools)))
    expect(prompts[0]?.settings).toMatchObject({ temperature: 0.3 })
    expect((await run.calls('1#1')).map(({ call }) => call)).toEqual(
      expect.arrayContaining(prompts.map(({ call }) => call)),
    )
    // Reading it again did nothing.
    expect([model.calls.length, executions.length]).toEqual(before)
  })

  it('orchestra.prompts returns the same prompts after a restart, and for a step that waits.', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'troupe-prompts-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const storage = `sqlite:${join(folder, 't.db')}`
    const pay = defineTool({
      name: 'pay',
      description: 'Pays.',
      inputSchema: z.object({}),
      effect: 'at-most-once',
      needsApproval: true,
      execute: async () => 'paid',
    })
    const model = new MockModel({ responses: [{ toolCalls: [{ name: 'pay', args: {} }] }] })
    const agent = new LlmAgent({ name: 'Clerk', model, tools: { pay }, memory: { pinned: ['Ada pays in euros.'] } })
    const run = await (await ada({ storage, agents: [agent] })).orchestra.start({ agent, task: 'Pay.' })
    expect((await run.result()).status).toBe('waiting')
    const sent = model.calls.map(({ prompt }) => plain(prompt))
    await closeAll()
    const user = await ada({ storage, agents: [agent] })
    expect((await user.orchestra.prompts(run.id, '1#1')).map(({ prompt }) => prompt)).toEqual(sent)
    expect(model.calls).toHaveLength(1)
  })

  it('orchestra.prompts returns nothing for a step without a model call, and does not execute its code.', async () => {
    let entered = 0
    const counter: Agent = defineAgent({
      name: 'Counter',
      run: async () => {
        entered++
        return 1
      },
    })
    const user = await ada()
    const run = await user.orchestra.start({ agent: counter, task: 'Count.' })
    await run.output()
    expect(await user.orchestra.prompts(run.id, '1#1')).toEqual([])
    expect(entered).toBe(1)
    expect(await user.orchestra.prompts(run.id, '7#1')).toEqual([])
  })

  it('orchestra.prompts reports changed code that would ask the model something else.', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'troupe-prompts-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const storage = `sqlite:${join(folder, 't.db')}`
    const agent = clerk(new MockModel({ responses }))
    const run = await (await ada({ storage, agents: [agent] })).orchestra.start({ agent, task: 'Where is order 17?' })
    await run.output()
    await closeAll()
    const changed = clerk(new MockModel({ responses: [] }), 'Be polite.')
    const troupe = await opened({ storage, agents: [changed] })
    await expect(troupe.user('ada').orchestra.prompts(run.id, '1#1')).rejects.toMatchObject({ code: 'code.changed' })
  })
})
