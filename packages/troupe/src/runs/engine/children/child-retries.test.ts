import { describe, expect, it } from 'vitest'
import { type Agent, defineAgent, finish, invoke, LlmAgent, type Run } from '../../../index.ts'
import { troupesOfTests } from '../../../startup/troupe-testbed.test.fixture.ts'
import { MockModel } from '../../../testing/index.ts'

const { ada } = troupesOfTests()
const line = (...agents: Agent[]) => ({
  agents,
  flows: ['Start', ...agents.map(({ name }) => name), 'End']
    .slice(0, -1)
    .map((name, i) => `${name} -> ${agents[i]?.name ?? 'End'}`),
})
const paid = (name: string, times = 9) => {
  const usage = { inputTokens: 100, outputTokens: 10 }
  const model = new MockModel({ responses: Array.from({ length: times }, () => ({ text: `${name} said`, usage })) })
  return { model, agent: new LlmAgent({ name, model, settings: { maxOutputTokens: 20 } }) }
}
const responseOf = async (run: Run) => {
  const { status, response, error } = await run.result()
  return status === 'completed' ? response : (error?.message ?? status)
}
/** Fails until it is told not to. */
const lame = (name: string) => {
  const state = { fails: true, executions: 0 }
  const agent = defineAgent({
    name,
    run: async (input: unknown) => {
      state.executions++
      if (state.fails) throw new Error('not now')
      return `${String(input)}, mended`
    },
  })
  return { state, agent }
}

describe('a retried run with child runs', () => {
  it('A retry that is cancelled before its step has started the retried child run ends at once, and the child run too.', async () => {
    const { orchestra } = await ada()
    const { agent } = lame('Inner')
    const stopped = (signal: AbortSignal) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
    let executions = 0
    const outer = defineAgent({
      name: 'Outer',
      run: async (_, ctx) => {
        if (++executions > 1) await stopped(ctx.signal)
        const { success } = await (await ctx.startRun({ task: 'sub', topology: line(agent) })).result()
        if (!success) throw new Error('not now')
        return 'done'
      },
    })
    const run = await orchestra.start({ task: 't', topology: line(outer) })
    expect(await responseOf(run)).toBe('not now')
    const retried = await run.retry()
    const began = performance.now()
    await retried.cancel()
    expect(performance.now() - began).toBeLessThan(5_000)
    const children = await orchestra.list({ parent: retried.id })
    expect(children.items.map(({ status }) => status)).toEqual(['cancelled'])
  })

  it('A retry does not repeat child runs and effects of the failed step that had ended.', async () => {
    const { orchestra } = await ada()
    const { model, agent } = paid('Inner')
    const state = { fails: true, ids: [] as string[], effects: 0 }
    const outer = defineAgent({
      name: 'Outer',
      run: async (_, ctx) => {
        await ctx.effect('pay', { class: 'at-most-once' }, () => ++state.effects)
        const child = await ctx.startRun({ task: 'sub', topology: line(agent) })
        state.ids.push(child.id)
        const { response = null } = await child.result()
        if (state.fails) throw new Error('not now')
        return response
      },
    })
    const run = await orchestra.start({ task: 't', topology: line(outer) })
    expect(await responseOf(run)).toBe('not now')
    state.fails = false
    const retried = await run.retry()
    expect(await responseOf(retried)).toBe('Inner said')
    expect([model.calls.length, state.effects]).toEqual([1, 1])
    expect(new Set(state.ids).size).toBe(1)
    expect((await retried.result()).usage).toEqual({ inputTokens: 100, outputTokens: 10 })
    expect((await orchestra.list()).items).toHaveLength(3)
    expect(await orchestra.verifyReplay(retried.id)).toMatchObject({ identical: true })
  })

  it('A retry resumes a child run that waited for a person and was cancelled when the step failed.', async () => {
    const { orchestra } = await ada()
    const { model, agent } = paid('Inner')
    const state = { fails: true }
    const waits = defineAgent({ name: 'Waits', run: async (_, ctx) => ctx.ask({ text: 'Which?' }) })
    const outer = defineAgent({
      name: 'Outer',
      run: async (_, ctx) => {
        const child = await ctx.startRun({ task: 'sub', topology: line(agent, waits) })
        const statusOf = async () => (await (await orchestra.get(child.id)).status()).status
        await ctx.effect('look', { class: 'read' }, async () => void (await expect.poll(statusOf).toBe('waiting')))
        if (state.fails) throw new Error('not now')
        return (await child.result()).response ?? null
      },
    })
    const run = await orchestra.start({ task: 't', topology: line(outer) })
    expect(await responseOf(run)).toBe('not now')
    expect((await orchestra.list()).items.map(({ status }) => status)).toContain('cancelled')
    state.fails = false
    const retried = await run.retry()
    const { questions } = await retried.result()
    await retried.answer(questions[0]?.id ?? '', 'this one')
    expect(await responseOf(retried)).toBe('this one')
    expect(model.calls).toHaveLength(1)
  })

  it('A retry repeats the failed child run from where it failed, and charges nothing twice.', async () => {
    const { orchestra } = await ada()
    const { model, agent } = paid('Inner')
    const { state, agent: second } = lame('Second')
    const middle = (topology: object, name: string) =>
      defineAgent({
        name,
        run: async (_, ctx) => {
          const { status, response = null, error } = await (await ctx.startRun({ task: 'sub', topology })).result()
          if (status !== 'completed') throw error ?? new Error(status)
          return response
        },
      })
    const outer = middle(line(middle(line(agent, second), 'Middle')), 'Outer')
    const run = await orchestra.start({ task: 't', topology: line(outer), config: { budget: { tokens: 10_000 } } })
    expect(await responseOf(run)).toBe('not now')
    state.fails = false
    const retried = await run.retry()
    expect(await responseOf(retried)).toBe('Inner said, mended')
    expect([model.calls.length, state.executions]).toEqual([1, 2])
    // What was used before counts once.
    const { usage, totalSteps } = await retried.result()
    expect({ ...usage, totalSteps }).toEqual({ inputTokens: 100, outputTokens: 10, totalSteps: 4 })
    const hops: (number | undefined)[] = []
    for await (const event of retried.events()) if (event.type === 'run.charged') hops.push(event.hops)
    expect(hops).toEqual([1, 0])
    const all = (await orchestra.list()).items
    expect(all).toHaveLength(6)
    for (const { id } of all) expect(await orchestra.verifyReplay(id)).toMatchObject({ identical: true })
  })

  it('A retry resumes child runs that were stopped by the failure of their parent.', async () => {
    const { orchestra } = await ada()
    const { model, agent } = paid('Inner')
    const { state, agent: bad } = lame('Bad')
    const paidFor = Promise.withResolvers<void>()
    const slow = defineAgent({
      name: 'Slow',
      run: async (input, ctx) => {
        paidFor.resolve()
        if (state.fails) await new Promise((_, reject) => ctx.signal.addEventListener('abort', reject))
        return input as string
      },
    })
    const starts = defineAgent({
      name: 'Starts',
      run: async (_, ctx) => {
        const child = await ctx.startRun({ task: 'sub', topology: line(agent, slow) })
        return (await child.result()).response ?? null
      },
    })
    const lead = defineAgent({ name: 'Lead', run: async () => 'go' })
    const waits = defineAgent({
      name: 'Waits',
      run: async (input) => {
        await paidFor.promise
        return input as string
      },
    })
    const topology = {
      agents: [lead, starts, waits, bad],
      flows: ['Start -> Lead', 'Lead => {Starts, Waits}', 'Waits -> Bad', 'Bad -> End', 'Starts -> End'],
    }
    const run = await orchestra.start({ task: 't', topology })
    expect((await run.result()).status).toBe('failed')
    state.fails = false
    const retried = await run.retry()
    const { status, error } = await retried.result()
    expect([status, error]).toEqual(['completed', undefined])
    expect(model.calls).toHaveLength(1)
  })
})

it('A retry charges the steps, the tokens and the hops of a child run that completed after the point of the retry.', async () => {
  const { orchestra } = await ada()
  const { model, agent } = paid('Inner')
  const { state, agent: bad } = lame('Bad')
  const badFailed = Promise.withResolvers<void>()
  const second = defineAgent({
    name: 'Second',
    run: async (input: string) => {
      await badFailed.promise
      return input
    },
  })
  const starts = defineAgent({
    name: 'Starts',
    run: async (_, ctx) => {
      const child = await ctx.startRun({ task: 'sub', topology: line(agent, second) })
      return (await child.result()).response ?? null
    },
  })
  const targets = [
    { agent: 'Starts', input: 1 },
    { agent: 'Bad', input: 'x' },
  ]
  const lead = defineAgent({
    name: 'Lead',
    run: async (input) => {
      if (input === 't') return invoke(targets)
      if (state.fails) throw new Error('not all')
      return finish('done')
    },
  })
  const topology = {
    agents: [lead, starts, bad],
    flows: ['Start -> Lead', 'Lead <-> Starts', 'Lead <-> Bad', 'Lead -> End'],
  }
  const run = await orchestra.start({ task: 't', topology, config: { onFailure: 'collect' } })
  let from = ''
  for await (const event of run.events()) {
    if (event.type !== 'step.failed' || event.agent !== 'Bad') continue
    from = event.step
    badFailed.resolve()
    break
  }
  const failed = await run.result()
  expect(failed.error?.message).toBe('not all')
  state.fails = false
  const retried = await run.retry({ from })
  expect(await responseOf(retried)).toBe('done')
  expect(model.calls).toHaveLength(1)
  const charges = []
  for await (const event of retried.events()) if (event.type === 'run.charged') charges.push(event)
  expect(charges).toMatchObject([{ steps: 2, hops: 1, usage: { inputTokens: 100, outputTokens: 10 } }])
  expect((await retried.result()).usage).toEqual({ inputTokens: 100, outputTokens: 10 })
})

describe('a fork', () => {
  it('A fork shares the ended child runs of a waiting step.', async () => {
    const { orchestra } = await ada()
    const { model, agent } = paid('Inner')
    const outer = defineAgent({
      name: 'Outer',
      run: async (_, ctx) => {
        const child = await ctx.startRun({ task: 'sub', topology: line(agent) })
        const { response = null } = await child.result()
        return `${String(response)} ${String(await ctx.ask({ text: 'Which?' }))}`
      },
    })
    const topology = { agents: [outer], flows: ['Start -> Outer', 'Outer -> End', 'Outer <-> User'] }
    const run = await orchestra.start({ task: 't', topology })
    const { questions } = await run.result()
    await run.answer(questions[0]?.id ?? '', 'one')
    expect(await responseOf(run)).toBe('Inner said one')
    const events = []
    for await (const event of run.events()) events.push(event)
    const asked = events.find(({ type }) => type === 'question.asked')?.seq ?? 0
    const fork = await orchestra.fork(run.id, { at: asked, edit: { answers: { [questions[0]?.id ?? '']: 'two' } } })
    expect(await responseOf(fork)).toBe('Inner said two')
    expect(model.calls).toHaveLength(1)
    // Before it had ended, it belongs to the source alone.
    const started = events.find(({ type }) => type === 'step.started')?.seq ?? 0
    const early = await orchestra.fork(run.id, { at: started })
    expect((await early.result()).questions).toHaveLength(1)
    expect(model.calls).toHaveLength(2)
  })
})
