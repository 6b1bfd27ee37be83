import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { createTroupe, defineAgent, defineTool, finish, handOff, LlmAgent } from '../../index.ts'
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
    for (const rejected of [
      { inputs: { 9: 'x' } },
      { inputs: { 1: 'lost', 9: 'x' } },
      { inputs: { 1: 'lost' }, results: { '1#9': 'x' } },
    ])
      await expect(run.edit(rejected)).rejects.toMatchObject({ code: 'validation.failed' })
    await expect(run.edit({ inputs: { 1: 'lost', 2: 1n } })).rejects.toMatchObject({ name: 'ValidationError' })
    expect((await run.inspect()).next.steps).toMatchObject([{ input: 't' }])
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

describe('an edit of a held failure', () => {
  it('An edit whose result the agent cannot route is rejected, and the failure stays held.', async () => {
    const { orchestra } = await ada()
    const topology = {
      agents: [bad('A'), echo('B'), echo('C')],
      flows: ['Start -> A', 'A -> B', 'A -> C', 'B -> End', 'C -> End'],
    }
    const run = await orchestra.start({ task: 't', topology, config: { debug: { breakOn: 'error' } } })
    await run.result()
    for (const [impossible, problem] of [
      [handOff('Nobody', 1), 'it cannot hand off to Nobody; A may invoke B, C; hand off to B, C'],
      ['plain', 'a plain value has more than one way to go, or none'],
      [finish('end'), 'it cannot finish here'],
    ] as const)
      await expect(run.edit({ results: { '1#1': impossible } })).rejects.toMatchObject({
        code: 'validation.failed',
        message: expect.stringContaining(problem),
      })
    expect((await run.inspect()).next.failures).toMatchObject([{ step: '1#1' }])
    await run.edit({ results: { '1#1': handOff('C', 'edited') } })
    await run.resume()
    expect(await run.result()).toMatchObject({ status: 'completed', response: 'edited>C' })
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
    await expect(run.edit({ inputs: { 1: 'late', 2: 'late' } })).rejects.toMatchObject({ code: 'run.over' })
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

  it('Breakpoints that are changed while a step waits do not change what its record says.', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'troupe-breakpoints-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const called: string[] = []
    const tool = (name: string, more = {}) =>
      defineTool({
        name,
        description: 'Works.',
        inputSchema: z.object({}),
        effect: 'at-most-once',
        execute: () => {
          called.push(name)
          return name
        },
        ...more,
      })
    const calls = (...names: string[]) => ({ toolCalls: names.map((name) => ({ name })) })
    /** Stops at the first wait, changes the breakpoints in another process, and returns the further stops and the end. */
    const stopsOf = async (breakOn: object, later: object, responses: readonly object[]) => {
      called.splice(0)
      const open = async (answered: number) => {
        const model = new MockModel({ responses: [...responses, 'done'].slice(answered) as never })
        const tools = { print: tool('print'), pay: tool('pay'), sign: tool('sign', { needsApproval: true }) }
        const agent = new LlmAgent({ name: 'A', model, tools })
        const storage = `sqlite:${join(folder, 'troupe.db')}`
        const troupe = await createTroupe({ storage, log: 'silent', agents: [agent], teams: { solo: solo(agent) } })
        return { troupe, orchestra: troupe.user('ada').orchestra, model }
      }
      const first = await open(0)
      const started = await first.orchestra.start({ task: 't', team: 'solo', config: { debug: { breakOn } } as never })
      const stopped = (await started.result()).questions.map(({ kind, tool: of }) => `${kind} ${of}`)
      await first.troupe.close()
      const second = await open(first.model.calls.length)
      const run = await second.orchestra.get(started.id)
      await run.breakAt(later as never)
      let result = await run.result()
      for (let i = 0; i < 5 && result.status === 'waiting' && result.reason !== 'code.changed'; i++) {
        for (const { id, kind, hash } of result.questions)
          if (kind === 'approval') await run.answer(id, { approve: true, hash } as never)
        if (result.reason === 'breakpoint') await run.resume()
        const next = await run.result()
        stopped.push(...next.questions.map(({ kind, tool: of }) => `${kind} ${of}`))
        result = next
      }
      const { identical } = await second.orchestra.verifyReplay(run.id)
      await second.troupe.close()
      return [...stopped, result.reason ?? result.status, ...called, identical]
    }
    const twice = [calls('print'), calls('pay')]
    expect(await stopsOf({ tool: 'print' }, [], twice)).toEqual(['breakpoint print', 'completed', 'print', 'pay', true])
    expect(await stopsOf({ tool: 'print' }, { tool: 'pay' }, twice)).toEqual([
      'breakpoint print',
      'breakpoint pay',
      'completed',
      'print',
      'pay',
      true,
    ])
    expect(await stopsOf({ tool: 'pay' }, [{ tool: 'print' }], [calls('print', 'pay')])).toEqual([
      'breakpoint pay',
      'completed',
      'print',
      'pay',
      true,
    ])
    // The call of print is over when its breakpoint is set.
    expect(await stopsOf([], { tool: 'print' }, [calls('print'), calls('sign'), calls('print')])).toEqual([
      'approval sign',
      'breakpoint print',
      'completed',
      'print',
      'sign',
      'print',
      true,
    ])
  })
})
