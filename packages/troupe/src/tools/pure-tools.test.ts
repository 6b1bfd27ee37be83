/** Tools with `effect: 'pure'`. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { defineTool, LlmAgent, type ToolOptions } from '../index.ts'
import { troupesOfTests } from '../startup/troupe-testbed.test.fixture.ts'
import { MockModel } from '../testing/index.ts'

const { opened, closeAll } = troupesOfTests()

const options = {
  name: 'add',
  description: 'Adds two numbers.',
  inputSchema: z.object({ a: z.number(), b: z.number() }),
  effect: 'pure' as const,
}
const calling = (...last: string[]) =>
  new MockModel({ responses: [{ toolCalls: [{ name: 'add', args: { a: 1, b: 2 } }] }, ...last] })

describe('A pure tool', () => {
  it('A pure tool leaves nothing in the journal and is computed again when its step is executed again.', async () => {
    let computed = 0
    const execute = ({ a, b }: { readonly a: number; readonly b: number }) => {
      computed++
      return a + b
    }
    const send = defineTool({
      name: 'send',
      description: 'Sends a mail.',
      inputSchema: z.object({}),
      needsApproval: true,
      execute: () => 'sent',
    })
    const model = new MockModel({
      responses: [
        { toolCalls: [{ name: 'add', args: { a: 1, b: 2 } }] },
        { toolCalls: [{ name: 'send', args: {} }] },
        'Three.',
      ],
    })
    const agent = new LlmAgent({ name: 'Clerk', model, tools: [defineTool({ ...options, execute }), send] })
    const folder = mkdtempSync(join(tmpdir(), 'troupe-pure-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const config = { storage: `sqlite:${join(folder, 'troupe.db')}`, agents: [agent] }
    const started = await (await opened(config)).user('ada').orchestra.start({ agent, task: 'Add, and mail it.' })
    const [question] = (await started.result()).questions ?? []
    await closeAll()
    const { orchestra } = (await opened(config)).user('ada')
    const run = await orchestra.get(started.id)
    await run.answer(question?.id ?? '', { approve: true, hash: question?.hash ?? '' })
    expect(await run.output()).toBe('Three.')
    expect(JSON.stringify(model.calls.at(-1)?.prompt)).toContain('"value":3')
    expect(computed).toBe(2)
    expect((await run.calls('1#1')).map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      'model 1',
      'model 2',
      'tool send',
      'model 3',
    ])
    expect(await orchestra.verifyReplay(run.id)).toMatchObject({ identical: true })
  })

  it('A pure tool has no access to the network.', async () => {
    const model = calling('It failed.')
    const execute = async (_: object, { fetch }: { readonly fetch: (url: string) => Promise<unknown> }) =>
      fetch('http://127.0.0.1:1/')
    const agent = new LlmAgent({ name: 'Clerk', model, tools: [defineTool({ ...options, execute })] })
    const troupe = await opened()
    const { orchestra } = troupe.user('ada')
    const run = await orchestra.start({ agent, task: 'Add one and two.' })
    expect(await run.result()).toMatchObject({ status: 'completed' })
    expect(JSON.stringify(model.calls.at(-1)?.prompt)).toContain('its effect is pure')
  })

  it('A pure tool that fails reports the failure to its model, also at a replay.', async () => {
    const model = calling('It failed.')
    const execute = () => {
      throw new Error('too large')
    }
    const agent = new LlmAgent({ name: 'Clerk', model, tools: [defineTool({ ...options, execute })] })
    const troupe = await opened()
    const { orchestra } = troupe.user('ada')
    const run = await orchestra.start({ agent, task: 'Add one and two.' })
    expect(await run.result()).toMatchObject({ status: 'completed', response: 'It failed.' })
    expect(JSON.stringify(model.calls.at(-1)?.prompt)).toContain('too large')
    expect(await orchestra.verifyReplay(run.id)).toMatchObject({ identical: true })
  })

  it.each([
    ['an undo', { undo: async () => {} }],
    ['a reconcile', { reconcile: async () => 'unknown' }],
    ['the capability external', { capabilities: ['external'] }],
  ])('A pure tool with %s is rejected.', (_, more) => {
    const wrong = { ...options, ...more, execute: () => 1 } as ToolOptions<unknown, unknown>
    expect(() => defineTool(wrong)).toThrow('pure tool')
  })
})
