import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { createTroupe, defineAgent, defineTool, LlmAgent } from '../../index.ts'
import { bad, echo, pipe, solo, troupesOfTests } from '../../startup/troupe-testbed.test.fixture.ts'
import { MockModel } from '../../testing/index.ts'

const { ada } = troupesOfTests()

describe('a breakpoint', () => {
  it('A breakpoint before a tool call stops the run, and the call is then made or replaced by a given result.', async () => {
    const { orchestra } = await ada()
    let paid = 0
    const pay = defineTool({
      name: 'pay',
      description: 'Pays.',
      inputSchema: z.object({ amount: z.number() }),
      effect: 'at-most-once',
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
    await made.run.resume()
    expect((await made.run.result()).response).toContain('paid 1')
    const started = await begin()
    await started.run.answer(started.question, { result: 'as if' })
    await started.run.resume()
    expect((await started.run.result()).response).toContain('as if')
    expect(paid).toBe(1)
    expect(await orchestra.verifyReplay(started.run.id)).toMatchObject({ identical: true })
  })

  it('A breakpoint lets a person inspect the run, edit a result and pass it step by step.', async () => {
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
    await run.resume()
    await run.result()
    const held = await run.inspect()
    expect(held).toMatchObject({
      breakpoint: { on: 'error' },
      next: { failures: [{ step: '1#2', error: { message: 'no luck' } }] },
    })
    await expect(run.edit({ results: { '1#9': 'x' } })).rejects.toMatchObject({ code: 'validation.failed' })
    await run.edit({ results: { '1#2': 'by hand' } })
    await run.resume()
    expect(await run.result()).toMatchObject({ status: 'completed', response: 'by hand>C' })
    expect(await orchestra.verifyReplay(run.id)).toMatchObject({ identical: true })
  })
})

describe('a breakpoint of a run that a step started', () => {
  const outer = (topology: object) =>
    defineAgent({
      name: 'Outer',
      run: async (_, ctx) => (await (await ctx.startRun({ task: 'sub', topology })).result()).response ?? null,
    })

  it('A breakpoint in a child run also stops its parent, which shows, edits and resumes it.', async () => {
    const { orchestra } = await ada()
    const topology = pipe(outer(pipe(echo('One'), echo('Two'))), echo('Last'))
    const run = await orchestra.start({ task: 't', topology, config: { debug: { breakOn: { agent: 'Two' } } } })
    expect((await run.result()).reason).toBe('breakpoint')
    const child = (await orchestra.list({ parent: run.id })).items[0]?.id ?? ''
    const { breakpoint, childRuns } = await run.inspect()
    expect(breakpoint).toMatchObject({ on: 'agent', agent: 'Two', run: child })
    expect(childRuns).toMatchObject([{ run: child, breakpoint: { agent: 'Two' }, next: { steps: [{ agent: 'Two' }] } }])
    await run.edit({ inputs: { [`${child}::${childRuns?.[0]?.next.steps[0]?.branch}`]: 'edited' } })
    await run.resume()
    expect(await run.result()).toMatchObject({ status: 'completed', response: 'edited>Two>Last' })
    for (const id of [run.id, child]) expect(await orchestra.verifyReplay(id)).toMatchObject({ identical: true })
  })

  it('A parent run that is resumed at a breakpoint of its child run returns a later result.', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'troupe-breakpoints-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    // On a file the run below hears of it some time later.
    await using troupe = await createTroupe({ storage: `sqlite:${join(folder, 'troupe.db')}`, log: 'silent' })
    const { orchestra } = troupe.user('ada')
    const topology = pipe(outer(pipe(echo('One'), echo('Two'))))
    for (let i = 0; i < 3; i++) {
      const run = await orchestra.start({ task: 't', topology, config: { debug: { breakOn: { agent: 'Two' } } } })
      expect((await run.result()).reason).toBe('breakpoint')
      await run.resume()
      expect(await run.result()).toMatchObject({ status: 'completed', response: 'sub>One>Two' })
    }
  })

  it('Run.breakAt sets and clears breakpoints while the run continues, in child runs too.', async () => {
    const { orchestra } = await ada()
    const topology = pipe(echo('First'), outer(pipe(echo('One'), echo('Two'), echo('Three'))))
    const run = await orchestra.start({ task: 't', topology, config: { debug: { breakOn: { agent: 'Outer' } } } })
    await run.result()
    await run.breakAt([{ agent: 'One' }, { agent: 'Three' }])
    await run.resume()
    expect((await run.result()).reason).toBe('breakpoint')
    expect((await run.inspect()).breakpoint).toMatchObject({ agent: 'One' })
    await run.step()
    expect((await run.inspect()).breakpoint).toMatchObject({ on: 'step', agent: 'Two' })
    await run.breakAt([])
    await run.resume()
    expect(await run.result()).toMatchObject({ status: 'completed', response: 'sub>One>Two>Three' })
    await expect(run.breakAt('error')).rejects.toMatchObject({ code: 'run.over' })
    await expect(orchestra.start({ task: 't', topology, config: { debug: { breakOn: { agent: 'Frist' } } } }))
      .rejects // a near name
      .toMatchObject({ name: 'ValidationError' })
  })

  it('Run.breakAt sets a breakpoint on a tool while the run is stopped.', async () => {
    const { orchestra } = await ada()
    const pay = defineTool({
      name: 'pay',
      description: 'Pays.',
      inputSchema: z.object({}),
      effect: 'at-most-once',
      execute: async () => 'paid',
    })
    const model = new MockModel({ responses: [{ toolCalls: [{ name: 'pay' }] }, 'done'] })
    const topology = pipe(echo('First'), new LlmAgent({ name: 'Payer', model, tools: { pay } }))
    const run = await orchestra.start({ task: 't', topology, config: { debug: { breakOn: { agent: 'Payer' } } } })
    await run.result()
    await run.breakAt({ tool: 'pay' })
    await run.resume()
    expect((await run.result()).questions).toMatchObject([{ kind: 'breakpoint', tool: 'pay' }])
    await run.resume()
    expect(await run.result()).toMatchObject({ status: 'completed', response: 'done' })
  })
})
