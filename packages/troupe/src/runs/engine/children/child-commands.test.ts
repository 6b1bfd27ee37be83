import { afterEach, describe, expect, it, vi } from 'vitest'
import { type Agent, createTroupe, defineAgent, finish, type Run, type Troupe } from '../../../index.ts'

const open: Troupe[] = []
const opened = async (config: object = {}) => {
  const troupe = await createTroupe({ storage: 'memory:', log: 'silent', ...config })
  open.push(troupe)
  return troupe
}
afterEach(async () => {
  for (const troupe of open.splice(0)) await troupe.close()
})
const line = (...agents: Agent[]) => ({
  agents,
  flows: ['Start', ...agents.map(({ name }) => name)].map((name, i) => `${name} -> ${agents[i]?.name ?? 'End'}`),
})
const above = (topology: object) =>
  defineAgent({
    name: 'Outer',
    run: async (_, ctx) => {
      const run = await ctx.startRun({ task: 'sub', topology })
      const { status, response = null } = await run.result()
      return finish({ id: run.id, status, response })
    },
  })
const childOf = async (troupe: Troupe, run: Run) => {
  const { orchestra } = troupe.user('ada')
  const child = await vi.waitFor(
    async () => {
      const found = (await orchestra.list()).items.find(({ id }) => id !== run.id)
      expect(found).toBeDefined()
      return found?.id ?? ''
    },
    { timeout: 60_000 },
  )
  return orchestra.get(child)
}
const waits = async (troupe: Troupe, run: Run) =>
  (await troupe.user('ada').orchestra.why(run.id)).sentences
    .filter(({ about }) => about === 'waits')
    .map(({ text }) => text)

describe('commands to a child run', () => {
  const gated = () => {
    const gate = Promise.withResolvers<void>()
    const begun = Promise.withResolvers<void>()
    const first = defineAgent({
      name: 'First',
      run: async () => {
        begun.resolve()
        await gate.promise
        return 'first'
      },
    })
    return { gate, begun, topology: line(first, defineAgent({ name: 'Last', run: async () => 'last' })) }
  }

  it('A run passes on the question of its child run, and its breakpoint, if the content is encrypted.', async () => {
    const troupe = await opened({
      encryption: { keys: [{ id: 'one', key: new Uint8Array(32).fill(7) }], current: 'one' },
    })
    const asking = defineAgent({ name: 'Asking', run: async (_, ctx) => ctx.ask({ text: 'Which day?' }) })
    const run = await troupe.user('ada').orchestra.start({
      task: 'x',
      topology: line(above(line(asking))),
      config: { debug: { breakOn: { agent: 'Asking' } } },
    })
    expect((await run.result()).reason).toBe('breakpoint')
    expect((await run.inspect()).childRuns).toHaveLength(1)
    await run.resume()
    const [question] = (
      await vi.waitFor(async () => {
        const result = await run.result()
        expect(result.reason).toBe('question')
        return result
      })
    ).questions
    expect(question).toMatchObject({ text: 'Which day?' })
    await run.answer(question?.id ?? '', 'Monday')
    expect(await run.output()).toMatchObject({ status: 'completed', response: 'Monday' })
  })

  it('A child run that is paused by its own id makes its parent wait, and the parent explains the wait and resumes with it.', async () => {
    const troupe = await opened()
    const { gate, begun, topology } = gated()
    const run = await troupe.user('ada').orchestra.start({ task: 't', topology: line(above(topology)) })
    await begun.promise
    const child = await childOf(troupe, run)
    await child.pause()
    gate.resolve()
    expect(await run.result()).toMatchObject({ status: 'waiting', reason: 'paused' })
    expect(await waits(troupe, run)).toEqual([
      expect.stringContaining(
        `Outer (1#1) waits for the run ${child.id} that it started, and that is waiting (paused)`,
      ),
    ])
    await child.resume()
    expect(await run.result()).toMatchObject({ status: 'completed', response: { response: 'last' } })
  })

  it('A child run that is cancelled by its own id, running or paused, gives its parent the status.', async () => {
    const troupe = await opened()
    for (const paused of [false, true]) {
      const { gate, begun, topology } = gated()
      const run = await troupe.user('ada').orchestra.start({ task: 't', topology: line(above(topology)) })
      await begun.promise
      const child = await childOf(troupe, run)
      if (paused) await child.pause()
      gate.resolve()
      if (paused) await run.result()
      await child.cancel().catch(() => {})
      const status = paused ? 'cancelled' : (await child.status()).status
      expect(await run.result()).toMatchObject({ status: 'completed', response: { status } })
    }
  })

  it('A retry of a child run by its own id is a separate run, and the parent keeps the failure.', async () => {
    const troupe = await opened()
    let fails = true
    const lame = defineAgent({
      name: 'Lame',
      run: async () => {
        if (fails) throw new Error('not now')
        return 'repaired'
      },
    })
    const run = await troupe.user('ada').orchestra.start({ task: 't', topology: line(above(line(lame))) })
    const child = await childOf(troupe, run)
    expect(await run.result()).toMatchObject({ status: 'completed', response: { status: 'failed' } })
    fails = false
    expect(await (await child.retry()).result()).toMatchObject({ status: 'completed', response: 'repaired' })
    expect(await run.result()).toMatchObject({ response: { status: 'failed' } })
  })
})
