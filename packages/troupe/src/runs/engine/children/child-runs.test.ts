import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Agent, createTroupe, defineAgent, finish, handOff, invoke, type Troupe } from '../../../index.ts'

let folder: string
const open: Troupe[] = []
const opened = async (config: Partial<Parameters<typeof createTroupe>[0]> = {}): Promise<Troupe> => {
  const troupe = await createTroupe({ storage: `sqlite:${join(folder, 'troupe.db')}`, log: 'silent', ...config })
  open.push(troupe)
  return troupe
}
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'troupe-children-'))
})
afterEach(async () => {
  for (const troupe of open.splice(0)) await troupe.close()
  rmSync(folder, { recursive: true, force: true })
})

const solo = (agent: Agent, ...more: string[]) => ({
  agents: [agent],
  flows: [`Start -> ${agent.name}`, `${agent.name} -> End`, ...more],
})
const inner = (run: (task: string) => unknown = (task) => `inner ${task}`) =>
  defineAgent<string>({ name: 'Inner', run: async (task) => run(task) })
const outer = (topology: object, config?: object, name = 'Outer') =>
  defineAgent({
    name,
    run: async (_, ctx) => {
      const run = await ctx.startRun({ task: 'sub', topology, ...(config ? { config } : {}) })
      const { status, response = null, guard } = await run.result()
      return finish({ id: run.id, status, response, guard: guard?.name ?? null })
    },
  })

describe('a run that a step starts', () => {
  it('A child run has a journal of its own and gives its result to the step.', async () => {
    const ada = (await opened()).user('ada')
    const run = await ada.orchestra.start({ task: 't', topology: solo(outer(solo(inner()))) })
    const result = await run.result()
    expect(result).toMatchObject({ status: 'completed', response: { status: 'completed', response: 'inner sub' } })
    const { id } = result.response as { id: string }
    expect(await ada.orchestra.verifyReplay(id)).toMatchObject({ identical: true })
    expect(await ada.orchestra.verifyReplay(run.id)).toMatchObject({ identical: true })
    expect((await (await ada.orchestra.get(id)).status()).status).toBe('completed')
  })

  it('A question of a child run is answered by its own id after a restart, with the code that its parent has.', async () => {
    const asking = defineAgent({ name: 'First', run: async (_, ctx) => (await ctx.ask({ text: 'Go on?' })) as string })
    const topology = solo(outer(solo(outer(solo(asking, 'First <-> User'), {}, 'Middle'))))
    const before = await opened()
    const { id } = await before.user('ada').orchestra.start({ task: 't', topology })
    const { questions } = await (await before.user('ada').orchestra.get(id)).result()
    const [question = '', ...runs] = questions[0]?.id.split('::').reverse() ?? []
    await open.pop()?.close()
    const { orchestra } = (await opened({ agents: topology.agents })).user('ada')
    await (await orchestra.get(runs[0] ?? '')).answer(question, 'yes')
    expect(await (await orchestra.get(id)).result()).toMatchObject({
      status: 'completed',
      response: { status: 'completed', response: { response: 'yes' } },
    })
  })

  it.each([`${'a'.repeat(39)}\u{1f600}`, 'a::b', ':::::'])(
    'A child run of the run %s starts, and its question can be answered at its parent.',
    async (id) => {
      const { orchestra } = (await opened()).user('ada')
      const asking = defineAgent({ name: 'First', run: async (_, ctx) => (await ctx.ask({ text: '?' })) as string })
      const run = await orchestra.start({ id, task: 't', topology: solo(outer(solo(asking, 'First <-> User'))) })
      const { questions } = await run.result()
      await run.answer(questions[0]?.id ?? '', 'yes')
      expect((await run.result()).response).toMatchObject({ status: 'completed', response: 'yes' })
    },
  )

  it('The result of a fork at the wait for a child run has the question of its own child run.', async () => {
    const { orchestra } = (await opened()).user('ada')
    const asking = defineAgent({ name: 'First', run: async (_, ctx) => (await ctx.ask({ text: '?' })) as string })
    const run = await orchestra.start({ task: 't', topology: solo(outer(solo(asking, 'First <-> User'))) })
    let at = 0
    for await (const { seq } of run.events({ untilWaiting: true })) at = seq
    for (let n = 1; n <= 10; n++) {
      const fork = await orchestra.fork(run.id, { at })
      const { status, questions } = await fork.result()
      expect([status, questions.map(({ agent }) => agent)]).toEqual(['waiting', ['First']])
      await fork.answer(questions[0]?.id ?? '', 'yes')
      expect((await fork.result()).response).toMatchObject({ status: 'completed', response: 'yes' })
    }
  })

  it('A child run is found again when another process replays the step that started it.', async () => {
    let executions = 0
    let release = () => {}
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    const child = defineAgent({
      name: 'Inner',
      run: async () => (++executions === 1 ? gate.then(() => 'late') : 'again'),
    })
    const parent = outer(solo(child))
    const run = await (await opened()).user('ada').orchestra.start({ task: 't', topology: solo(parent) })
    await vi.waitFor(() => expect(executions).toBe(1), { timeout: 60_000 })
    await open.pop()?.close()
    release()
    const second = (await opened({ agents: [parent] })).user('ada')
    const result = await (await second.orchestra.get(run.id)).result()
    expect(result).toMatchObject({ status: 'completed', response: { response: 'again' } })
    expect((await second.orchestra.list()).items).toHaveLength(2)
  })

  it('A child run is cancelled with its parent, and its cleanup is awaited.', async () => {
    const ada = (await opened()).user('ada')
    let stopped = false
    const slow = defineAgent({
      name: 'Inner',
      run: (_, ctx) =>
        new Promise((_resolve, reject) => {
          ctx.signal.addEventListener('abort', () => {
            stopped = true
            reject(ctx.signal.reason)
          })
        }),
    })
    const run = await ada.orchestra.start({ task: 't', topology: solo(outer(solo(slow))) })
    await vi.waitFor(async () => expect((await ada.orchestra.list()).items).toHaveLength(2), { timeout: 60_000 })
    await vi.waitFor(
      async () => {
        const child = (await ada.orchestra.list()).items.find(({ id }) => id !== run.id)
        for await (const event of (await ada.orchestra.get(child?.id ?? '')).events())
          if (event.type === 'step.started') break
      },
      { timeout: 60_000 },
    )
    await run.cancel()
    expect((await run.result()).status).toBe('cancelled')
    expect(stopped).toBe(true)
    expect((await ada.orchestra.list()).items.map(({ status }) => status)).toEqual(['cancelled', 'cancelled'])
  })

  it('A parent run shows the questions of its child run and passes the answers to it.', async () => {
    const ada = (await opened()).user('ada')
    const asker = defineAgent({ name: 'Asker', run: async (_, ctx) => finish(await ctx.ask({ text: 'Which?' })) })
    const middle = outer(solo(asker, 'Asker -> User', 'User -> Asker'))
    const top = defineAgent({
      name: 'Top',
      run: async (_, ctx) => (await (await ctx.startRun({ task: 't', topology: solo(middle) })).result()).response,
    })
    const run = await ada.orchestra.start({ task: 't', topology: solo(top) })
    const waiting = await run.result()
    expect(waiting).toMatchObject({ status: 'waiting', reason: 'question', questions: [{ text: 'Which?' }] })
    await expect(run.answer('nobody::1', 'x')).rejects.toMatchObject({ name: 'ConflictError' })
    await run.answer(waiting.questions[0]?.id ?? '', 'this one')
    expect(await run.result()).toMatchObject({ status: 'completed', response: { response: 'this one' } })
  })

  it('Pausing a run pauses its child runs, and resuming it leaves a child run paused that was paused by its own id.', async () => {
    const ada = (await opened()).user('ada')
    const first = defineAgent({
      name: 'First',
      run: async (_, ctx) => ctx.effect('pause', { class: 'read' }, async () => void (await run.pause())),
    })
    const last = defineAgent({ name: 'Last', run: async () => 'end' })
    const line = { agents: [first, last], flows: ['Start -> First', 'First -> Last', 'Last -> End'] }
    const run = await ada.orchestra.start({ task: 't', topology: solo(outer(solo(outer(line)))) })
    const runs = async () => (await ada.orchestra.list()).items
    const statuses = async () => (await runs()).map(({ status, reason }) => `${status} ${reason}`)
    await vi.waitFor(async () => expect(await statuses()).toEqual(Array(3).fill('waiting paused')), { timeout: 60_000 })
    expect(await run.result()).toMatchObject({ status: 'waiting', reason: 'paused' })
    const [lowest] = await runs()
    const own = await ada.orchestra.get(lowest?.id ?? '')
    await own.resume()
    await own.pause().catch(() => {})
    await run.resume()
    await own.resume().catch(() => {})
    expect(await run.result()).toMatchObject({ status: 'completed', response: { response: { response: 'end' } } })
    const middle = (await runs())[1]?.id ?? ''
    const emitted: string[] = []
    for await (const event of (await ada.orchestra.get(middle)).events())
      if (event.type === 'run.paused' || event.type === 'run.resumed') emitted.push(`${event.type} by ${event.by}`)
    expect(emitted).toEqual(['run.paused by parent', 'run.resumed by parent'])
  })

  it('A child run that starts while its parent is paused is paused too.', async () => {
    const ada = (await opened()).user('ada')
    const steps: string[] = []
    const agents = ['One', 'Two'].map((name) => defineAgent({ name, run: async () => steps.push(name) }))
    const line = { agents, flows: ['Start -> One', 'One -> Two', 'Two -> End'] }
    const parent = defineAgent({
      name: 'Parent',
      run: async (_, ctx) => {
        await ctx.effect('pause', { class: 'read' }, async () => void (await run.pause()))
        return (await (await ctx.startRun({ task: 't', topology: line })).result()).status
      },
    })
    const run = await ada.orchestra.start({ task: 't', topology: solo(parent) })
    await vi.waitFor(async () => expect((await ada.orchestra.list()).items).toHaveLength(2), { timeout: 60_000 })
    const [childSummary] = (await ada.orchestra.list()).items
    expect(await (await ada.orchestra.get(childSummary?.id ?? '')).result()).toMatchObject({ reason: 'paused' })
    // It was granted nothing yet.
    expect(steps).toEqual([])
    await run.resume()
    expect(await run.result()).toMatchObject({ status: 'completed', response: 'completed' })
  })

  it('A child run without a budget may use all steps that its parent has left, and its steps count in the parent.', async () => {
    const ada = (await opened()).user('ada')
    const endless = {
      agents: [
        defineAgent({ name: 'X', run: async () => handOff('Y', 1) }),
        defineAgent({ name: 'Y', run: async () => handOff('X', 1) }),
      ],
      flows: ['Start -> X', 'X <-> Y', 'Y -> End'],
    }
    const config = { guards: { pingPong: false, noProgress: false } } as const
    const run = await ada.orchestra.start({
      task: 't',
      topology: solo(outer(endless, config)),
      config: { budget: { steps: 21 } },
    })
    const result = await run.result()
    expect(result.response).toMatchObject({ status: 'failed', guard: 'steps' })
    expect(result.totalSteps).toBe(21)
  })

  it('A child run reserves its budget from its parent, and releases what it did not use.', async () => {
    const ada = (await opened()).user('ada')
    let started = 0
    let meanwhile = 0
    const child = solo(
      defineAgent({
        name: 'Inner',
        run: async () => {
          await vi.waitFor(() => expect(started).toBeGreaterThanOrEqual(4), { timeout: 60_000 })
          await new Promise((resolve) => setTimeout(resolve, 100))
          meanwhile = started
          return 1
        },
      }),
    )
    const turns = (name: string, other: string) =>
      defineAgent({
        name,
        run: async () => {
          started++
          return handOff(other, 1)
        },
      })
    const beside = {
      agents: [
        defineAgent({
          name: 'Lead',
          run: async () =>
            invoke([
              { agent: 'Outer', input: 1 },
              { agent: 'X', input: 1 },
            ]),
        }),
        outer(child, { budget: { steps: 6 } }),
        turns('X', 'Y'),
        turns('Y', 'X'),
      ],
      flows: ['Start -> Lead', 'Lead <-> Outer', 'Lead <-> X', 'X <-> Y', 'Lead -> End'],
    }
    const guards = { pingPong: false, noProgress: false } as const
    const run = await ada.orchestra.start({ task: 't', topology: beside, config: { budget: { steps: 12 }, guards } })
    expect(await run.result()).toMatchObject({ status: 'failed', guard: { name: 'steps', limit: 12, used: 12 } })
    // Twelve, less two for Lead and Outer, less what the run below has reserved; at last, less what it used.
    expect([meanwhile, started]).toEqual([4, 9])
    expect(await ada.orchestra.verifyReplay(run.id)).toMatchObject({ identical: true })
  })

  it('A step fails with its guard if a child run reserves more than the parent has left.', async () => {
    const ada = (await opened()).user('ada')
    const line = (name: string) => ({
      agents: ['A', 'B', 'C'].map((each) => defineAgent({ name: `${each}${name}`, run: async () => each })),
      flows: [`Start -> A${name}`, `A${name} -> B${name}`, `B${name} -> C${name}`, `C${name} -> End`],
    })
    const seen: string[] = []
    const lead = defineAgent({
      name: 'Lead',
      run: async (_, ctx) => {
        for (const name of ['1', '2', '3']) {
          const child = await ctx.startRun({ task: 1, topology: line(name), config: { budget: { hops: 2 } } })
          seen.push((await child.result()).status)
        }
        return finish(0)
      },
    })
    const run = await ada.orchestra.start({ task: 't', topology: solo(lead), config: { budget: { hops: 5 } } })
    const { guard, error } = await run.result()
    expect(guard).toMatchObject({ name: 'hops', limit: 5, used: 4 })
    expect(error?.message).toContain('4 of 5 used')
    expect(new Set(seen)).toEqual(new Set(['completed']))
    expect((await ada.orchestra.list()).items).toHaveLength(3)
    expect(await ada.orchestra.verifyReplay(run.id)).toMatchObject({ identical: true })
  })

  it('A child run two levels below fails with the exhausted budget, although the run between holds a part of it.', async () => {
    const { orchestra } = (await opened()).user('ada')
    const worker = defineAgent({ name: 'Worker', run: async (n: number) => n })
    const below = (name: string, times: number, topology: ReturnType<typeof solo>) =>
      defineAgent({
        name,
        run: async (_, ctx) => {
          for (let n = 0; n < times; n++) {
            const { status } = await (await ctx.startRun({ task: n, topology })).result()
            if (status !== 'completed') return status
          }
          return 'all'
        },
      })
    const lead = below('Lead', 1, solo(below('Between', 12, solo(worker))))
    const config = { budget: { steps: 10 } }
    const run = await orchestra.start({ task: 't', topology: solo(lead), config })
    expect(await run.result()).toMatchObject({ status: 'completed', totalSteps: 10 })
  })

  it('Child runs whose parents hold the rest of an exhausted budget fail with it, and the run ends.', async () => {
    const { orchestra } = (await opened()).user('ada')
    const worker = defineAgent({ name: 'Worker', run: async (n: number) => n })
    const between = defineAgent({
      name: 'Between',
      run: async (_, ctx) => {
        for (let n = 0; n < 20; n++) {
          const { status } = await (await ctx.startRun({ task: n, topology: solo(worker) })).result()
          if (status !== 'completed') return status
        }
        return 'all'
      },
    })
    const lead = defineAgent({
      name: 'Lead',
      run: async (_, ctx) => {
        const started = [await ctx.startRun({ task: 1, topology: solo(between) })]
        started.push(await ctx.startRun({ task: 2, topology: solo(between) }))
        const results = await Promise.all(started.map((run) => run.result()))
        return results.map(({ response }) => response)
      },
    })
    const run = await orchestra.start({ task: 't', topology: solo(lead), config: { budget: { steps: 20 } } })
    const result = await run.result()
    expect(result.status).toBe('completed')
    expect(result.response).toContain('failed')
    expect(result.totalSteps).toBeGreaterThan(15)
  })

  it('The error of a rejected reservation names what is used, reserved by which runs, and requested.', async () => {
    const ada = (await opened()).user('ada')
    const slow = defineAgent({
      name: 'Slow',
      run: (_, ctx) =>
        new Promise((_resolve, reject) => ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason))),
    })
    let first = ''
    const lead = defineAgent({
      name: 'Lead',
      run: async (_, ctx) => {
        first = (await ctx.startRun({ task: 1, topology: solo(slow), config: { budget: { steps: 6 } } })).id
        await ctx.startRun({ task: 2, topology: solo(slow), config: { budget: { steps: 6 } } })
        return finish(0)
      },
    })
    const run = await ada.orchestra.start({ task: 't', topology: solo(lead), config: { budget: { steps: 10 } } })
    const { error, guard } = await run.result()
    expect(guard).toMatchObject({ name: 'steps', limit: 10, held: expect.any(Number), by: [{ run: first }] })
    expect(guard?.by?.[0]?.held).toBe(guard?.held)
    expect(error?.details).toMatchObject({ held: guard?.held, by: guard?.by })
    expect(error?.message).toMatch(new RegExp(`of 10 used, \\d held by ${first}.*, and the child run reserves 6\\.`))
  })

  it('ctx.startRun with an invalid topology fails the step with a ValidationError.', async () => {
    const ada = (await opened()).user('ada')
    const deep = defineAgent({
      name: 'Deep',
      run: async (_, ctx) => (await ctx.startRun({ task: 1, topology: { agents: [], flow: [] } })).id,
    })
    const result = await (await ada.orchestra.start({ task: 't', topology: solo(deep) })).result()
    expect(result.error?.name).toBe('ValidationError')
  })

  it('The depth budget bounds runs that start runs recursively.', async () => {
    const ada = (await opened()).user('ada')
    let made = 0
    const recursive: Agent = defineAgent({
      name: 'Again',
      run: async (_, ctx) => {
        made++
        throw (await (await ctx.startRun({ task: 1, topology: solo(recursive) })).result()).error
      },
    })
    const run = await ada.orchestra.start({ task: 't', topology: solo(recursive), config: { budget: { depth: 3 } } })
    const { error } = await run.result()
    expect(made).toBeLessThanOrEqual(4)
    // It is named once, however many runs it passes.
    expect(error?.message.match(/The guard depth/g)).toHaveLength(1)
  })
})
