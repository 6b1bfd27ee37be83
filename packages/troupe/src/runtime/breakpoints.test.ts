import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type Agent, createTroupe, defineAgent, defineTool, LlmAgent, patterns, type Troupe } from '../index.ts'
import { MockModel } from '../testing/index.ts'

const open: Troupe[] = []
const opened = async (config: Partial<Parameters<typeof createTroupe>[0]> = {}) => {
  const troupe = await createTroupe({ storage: 'memory:', log: 'silent', ...config })
  open.push(troupe)
  return troupe
}
const ada = async () => (await opened()).user('ada')
afterEach(async () => {
  for (const troupe of open.splice(0)) await troupe.close()
})
const solo = (agent: Agent) => ({ agents: [agent], flows: [`Start -> ${agent.name}`, `${agent.name} -> End`] })
const echo = (name: string) => defineAgent<string>({ name, run: async (input) => `${input}>${name}` })
const bad = (name: string) =>
  defineAgent({
    name,
    run: () => {
      throw new Error('no luck')
    },
  })
const pipe = (...agents: Agent[]) => patterns.pipeline({ stages: agents.map((agent) => ({ agents: [agent] })) })

describe('a breakpoint', () => {
  it('before a call of a tool waits; the call is made, or its result given', async () => {
    const { orchestra } = await ada()
    let paid = 0
    const pay = defineTool({
      name: 'pay',
      description: 'Pays.',
      inputSchema: z.object({ amount: z.number() }),
      effect: 'once',
      execute: async () => `paid ${++paid}`,
    })
    const begin = async () => {
      const model = new MockModel({
        responses: [
          { toolCalls: [{ name: 'pay', args: { amount: 5 } }] },
          (options) => JSON.stringify(options.prompt.at(-1)?.content),
        ],
      })
      const agent = new LlmAgent({ name: 'A', model, tools: { pay } })
      const run = await orchestra.start({
        task: 't',
        topology: solo(agent),
        config: { debug: { breakOn: { tool: 'pay' } } },
      })
      const { reason, questions } = await run.result()
      expect([reason, questions[0]?.kind, questions[0]?.args]).toEqual(['breakpoint', 'breakpoint', { amount: 5 }])
      return { run, question: questions[0]?.id ?? '' }
    }
    const made = await begin()
    expect(await made.run.inspect()).toMatchObject({ breakpoint: { on: 'tool', agent: 'A' } })
    await made.run.continue()
    expect((await made.run.result()).response).toContain('paid 1')
    const given = await begin()
    await given.run.answer(given.question, { result: 'as if' })
    await given.run.continue()
    expect((await given.run.result()).response).toContain('as if')
    expect(paid).toBe(1)
    expect(await orchestra.replay(given.run.id)).toMatchObject({ identical: true })
  })

  it('is inspected, edited and passed step by step', async () => {
    const { orchestra } = await ada()
    const topology = pipe(echo('A'), bad('B'), echo('C'))
    const config = { debug: { breakOn: ['error', { agent: 'A' }] } } as const
    const run = await orchestra.start({ task: 't', topology, config })
    expect(await run.result()).toMatchObject({ status: 'waiting', reason: 'breakpoint' })
    expect((await run.inspect()).next.steps).toEqual([{ branch: '1', step: '1#1', agent: 'A', input: 't' }])
    await expect(run.edit({ inputs: { 9: 'x' } })).rejects.toMatchObject({ code: 'validation.failed' })
    await run.edit({ inputs: { 1: 'edited' } })
    expect(await run.step()).toMatchObject({
      breakpoint: { on: 'step' },
      next: { steps: [{ agent: 'B', input: 'edited>A' }] },
    })
    await run.continue()
    await run.result()
    const held = await run.inspect()
    expect(held).toMatchObject({
      breakpoint: { on: 'error' },
      next: { failures: [{ step: '1#2', error: { message: 'no luck' } }] },
    })
    await expect(run.edit({ results: { '1#9': 'x' } })).rejects.toMatchObject({ code: 'validation.failed' })
    await run.edit({ results: { '1#2': 'by hand' } })
    await run.continue()
    expect(await run.result()).toMatchObject({ status: 'completed', response: 'by hand>C' })
    expect(await orchestra.replay(run.id)).toMatchObject({ identical: true })
  })
})
