import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import {
  type Agent,
  createTroupe,
  defineAgent,
  defineMessage,
  finish,
  handOff,
  invoke,
  type Json,
  patterns,
  type RunEvent,
  type StartSpec,
  type StepContext,
  type Troupe,
  Worker,
} from '../../index.ts'

let folder: string
let url: string
const open: Troupe[] = []
const opened = async (config: Partial<Parameters<typeof createTroupe>[0]> = {}): Promise<Troupe> => {
  const troupe = await createTroupe({ storage: url, log: 'silent', ...config })
  open.push(troupe)
  return troupe
}
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'troupe-runs-'))
  url = `sqlite:${join(folder, 'troupe.db')}`
})
afterEach(async () => {
  for (const troupe of open.splice(0)) await troupe.close()
  rmSync(folder, { recursive: true, force: true })
})

const solo = (agent: Agent, ...more: string[]) => ({
  agents: [agent],
  flows: [`Start -> ${agent.name}`, `${agent.name} -> End`, ...more],
})
const withUser = (agent: Agent) => solo(agent, `${agent.name} -> User`, `User -> ${agent.name}`)
const eventsOf = async (troupe: Troupe, id: string, from = 0): Promise<RunEvent[]> => {
  const run = await troupe.user('ada').orchestra.get(id)
  const events: RunEvent[] = []
  for await (const event of run.events({ from })) events.push(event)
  return events
}

describe('a run', () => {
  it('A run is started once for its id, however often the start is repeated.', async () => {
    const ada = (await opened()).user('ada')
    let executions = 0
    const agent = defineAgent({ name: 'A', run: async () => ++executions })
    const spec: StartSpec = { id: 'order-17', task: 'x', topology: solo(agent) }
    const runs = await Promise.all([1, 2, 3].map(() => ada.orchestra.start(spec)))
    const results = await Promise.all(runs.map((run) => run.result()))
    expect(results.map((result) => result.response)).toEqual([1, 1, 1])
    expect(executions).toBe(1)
  })

  it('Run.events returns the events from any sequence number on, and ends with the run.', async () => {
    const troupe = await opened()
    const agent = defineAgent({ name: 'A', run: async (n: number) => n + 1 })
    const run = await troupe.user('ada').orchestra.start({ task: 1, topology: solo(agent) })
    const live: RunEvent[] = []
    for await (const event of run.events()) live.push(event)
    expect(live.map((event) => event.seq)).toEqual(live.map((_, i) => i + 1))
    expect(live.at(0)?.type).toBe('run.started')
    expect(live.at(-1)?.type).toBe('run.completed')
    expect(await eventsOf(troupe, run.id)).toEqual(live)
    expect(await eventsOf(troupe, run.id, 3)).toEqual(live.slice(3))
  })

  it('orchestra.list returns the runs of its user alone, the newest first, in pages.', async () => {
    const troupe = await opened()
    const agent = defineAgent({ name: 'A', run: async () => null })
    const ids: string[] = []
    for (let i = 0; i < 7; i++) {
      const run = await troupe.user('ada').orchestra.start({ task: i, topology: solo(agent), tags: [`n${i}`] })
      await run.result()
      ids.unshift(run.id)
    }
    const listed: string[] = []
    for await (const run of await troupe.user('ada').orchestra.list({ limit: 3 })) listed.push(run.id)
    expect(listed).toEqual(ids)
    expect((await troupe.user('bob').orchestra.list()).items).toEqual([])
    await expect(troupe.user('bob').orchestra.get(ids[0] as string)).rejects.toMatchObject({ code: 'run.unknown' })
  })

  it('A run that a closed troupe left resumes in the next troupe that registers its agents.', async () => {
    const first = await opened()
    const seen: string[] = []
    let release = () => {}
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    const step = (name: string, wait?: Promise<void>) =>
      defineAgent({
        name,
        run: async (input: string) => {
          seen.push(name)
          await wait
          return `${input}>${name}`
        },
      })
    const stages = (hold?: Promise<void>) => [step('A'), step('B', hold), step('C')]
    const pipeline = (agents: Agent[]) => patterns.pipeline({ stages: agents.map((agent) => ({ agents: [agent] })) })
    const run = await first.user('ada').orchestra.start({ task: 't', topology: pipeline(stages(gate)) })
    await expect.poll(() => seen).toEqual(['A', 'B'])
    await first.close()
    release()
    const second = await opened({ agents: stages() })
    const result = await (await second.user('ada').orchestra.get(run.id)).result()
    expect(result).toMatchObject({ status: 'completed', response: 't>A>B>C' })
    expect(seen).toEqual(['A', 'B', 'B', 'C'])
    expect(await second.user('ada').orchestra.verifyReplay(run.id)).toMatchObject({ identical: true })
  })

  it('A run whose agents are not registered rejects an answer, and the error names the agents.', async () => {
    const first = await opened()
    const asks = defineAgent({ name: 'Asker', run: async (_, ctx) => finish(await ctx.ask({ text: 'Which?' })) })
    const run = await first.user('ada').orchestra.start({ task: 't', topology: withUser(asks) })
    await run.result()
    await first.close()
    const second = await opened()
    const reloaded = await second.user('ada').orchestra.get(run.id)
    expect(await reloaded.status()).toEqual({ status: 'waiting', reason: 'question', team: 'Asker' })
    await expect(reloaded.answer('any', 'blue')).rejects.toThrow(/needs the code of agents.*Asker/)
  })

  it('A question is answered once, by a value that fits its options, also after a restart.', async () => {
    const asks = defineAgent({
      name: 'Asker',
      run: async (_, ctx) => finish(await ctx.ask({ kind: 'choice', text: 'Which?', options: ['red', 'blue'] })),
    })
    const first = await opened()
    const started = await first.user('ada').orchestra.start({ task: 't', topology: withUser(asks) })
    const [question] = (await started.result()).questions
    await first.close()
    const ada = (await opened({ agents: [asks] })).user('ada')
    const run = await ada.orchestra.get(started.id)
    expect((await run.result()).questions).toMatchObject([
      { id: question?.id, text: 'Which?', options: ['red', 'blue'] },
    ])
    await expect(run.answer(question?.id as string, 'green')).rejects.toMatchObject({ name: 'ValidationError' })
    await expect(run.answer('none', 'red')).rejects.toMatchObject({ code: 'question.unknown' })
    const answers = await Promise.allSettled([
      run.answer(question?.id as string, 'red'),
      run.answer(question?.id as string, 'blue'),
    ])
    expect(answers.map((answer) => answer.status)).toEqual(['fulfilled', 'rejected'])
    expect(await run.result()).toMatchObject({ status: 'completed', response: 'red' })
  })

  it('A paused run starts no step until it is resumed.', async () => {
    const seen: string[] = []
    const agents = ['A', 'B'].map((name) =>
      defineAgent({
        name,
        run: async (_, ctx) => {
          seen.push(name)
          if (name === 'A') await ctx.effect('pause', { class: 'read' }, async () => void (await run.pause()))
          return name
        },
      }),
    )
    const ada = (await opened()).user('ada')
    const run = await ada.orchestra.start({
      task: 't',
      topology: patterns.pipeline({ stages: agents.map((a) => ({ agents: [a] })) }),
    })
    expect(await run.result()).toMatchObject({ status: 'waiting', reason: 'paused' })
    expect(seen).toEqual(['A'])
    await run.resume()
    expect(await run.result()).toMatchObject({ status: 'completed', response: 'B' })
  })

  it('A paused run executes no waiting step when its answer arrives, in this process or the next.', async () => {
    const Ask = defineMessage('desk.ask', z.object({ n: z.number() }), { reply: z.object({ n: z.number() }) })
    const seen: string[] = []
    const waits = (name: string, wait: (ctx: StepContext) => Promise<Json>) =>
      defineAgent({
        name,
        run: async (_, ctx) => {
          const answer = await wait(ctx)
          seen.push(name)
          return answer
        },
      })
    const agents = [
      waits('Asks', (ctx) => ctx.ask({ text: 'Which?' }) as Promise<Json>),
      waits('Requests', async (ctx) => (await ctx.messages.request(Ask, { n: 1 }, { to: 'Desk', timeout: '1h' })).n),
    ]
    const topology = patterns.pipeline({ stages: [{ agents, parallel: true }] })
    const ada = (await opened()).user('ada')
    const run = await ada.orchestra.start({ task: 't', topology })
    const [delivery] = await ada.agent('Desk').mailbox.receive({ wait: '10s' })
    let parked = 0
    for await (const { type } of run.events()) if (type === 'step.waiting' && ++parked === 2) break
    await run.pause()
    await delivery?.reply({ n: 2 })
    const { questions } = await run.result()
    await run.answer(questions[0]?.id ?? '', 'this one')
    expect(await run.result()).toMatchObject({ status: 'waiting', reason: 'paused', questions: [] })
    await open.pop()?.close()
    expect(seen).toEqual([])
    const reloaded = await (await opened({ agents })).user('ada').orchestra.get(run.id)
    expect(await reloaded.result()).toMatchObject({ status: 'waiting', reason: 'paused' })
    expect(seen).toEqual([])
    await reloaded.resume()
    expect(await reloaded.result()).toMatchObject({ status: 'completed', response: ['this one', 2] })
    expect(seen.toSorted()).toEqual(['Asks', 'Requests'])
  })

  it('A cancelled run lets its steps clean up, and rejects later commands.', async () => {
    let cleaned = false
    const hangs = defineAgent({
      name: 'A',
      run: async (_, ctx) => {
        try {
          await ctx.effect(
            'hang',
            { class: 'read' },
            ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
          )
        } finally {
          cleaned = true
        }
      },
    })
    const ada = (await opened()).user('ada')
    const run = await ada.orchestra.start({ task: 't', topology: solo(hangs) })
    for await (const event of run.events()) if (event.type === 'step.started') break
    await run.cancel()
    expect(await run.result()).toMatchObject({ status: 'cancelled', success: false })
    expect(cleaned).toBe(true)
    for (const options of [{}, { id: 'late' }])
      await expect(run.cancel(options)).rejects.toMatchObject({
        code: 'run.over',
        message: expect.stringMatching(/has ended: cancelled\.$/),
      })
  })

  it('A request goes through the journal to agents of the run, and to mailboxes of other agents.', async () => {
    const Ask = defineMessage('sum', z.object({ a: z.number() }), { reply: z.object({ b: z.number() }) })
    const server = defineAgent({
      name: 'Server',
      run: async () => null,
      serve: async ({ payload }) => ({ b: (payload as { a: number }).a + 1 }),
    })
    const client = defineAgent({
      name: 'Client',
      run: async (_, ctx) => finish(await ctx.request(Ask, { a: 1 }, { to: 'Server', timeout: '5s' })),
    })
    const ada = (await opened()).user('ada')
    const topology = { agents: [client, server], flows: ['Start -> Client', 'Client -> End', 'Client <-> Server'] }
    const result = await ada.orchestra.run({ task: 't', topology })
    expect(result).toMatchObject({ status: 'completed', response: { b: 2 } })
  })

  it('A run of more than a thousand records is loaded from a snapshot, and replays from its first record.', {
    timeout: 120_000,
  }, async () => {
    const first = await opened()
    const tick = (name: string, other: string) =>
      defineAgent({
        name,
        run: async (n: number, ctx) => (n === 420 ? finish(await ctx.ask({ text: 'Enough?' })) : handOff(other, n + 1)),
      })
    const agents = [tick('Tick', 'Tock'), tick('Tock', 'Tick')]
    const flows = ['Start -> Tick', 'Tick <-> Tock', 'Tick -> End', 'Tock -> End']
    const config = {
      budget: { steps: 1_000, hops: 1_000 },
      guards: { pingPong: false, repetition: false, noProgress: false },
    } as const
    const run = await first.user('ada').orchestra.start({ task: 1, topology: { agents, flows }, config })
    const [question] = (await run.result()).questions
    await first.close()
    const ada = (await opened({ agents })).user('ada')
    const reloaded = await ada.orchestra.get(run.id)
    await reloaded.answer(question?.id as string, 'yes')
    expect(await reloaded.result()).toMatchObject({ status: 'completed', response: 'yes', totalSteps: 420 })
    expect(await ada.orchestra.verifyReplay(run.id)).toMatchObject({ identical: true })
  })

  it('A run with an uncertain effect waits until a person resolves the effect.', async () => {
    let charged = 0
    const hanging = Promise.withResolvers<void>()
    const pays = (finish: boolean) =>
      defineAgent({
        name: 'Payer',
        run: async (_, ctx) => {
          const paid = await ctx.effect(
            'charge',
            { class: 'at-most-once', input: { amount: 5 } },
            async ({ signal }) => {
              charged++
              hanging.resolve()
              if (!finish)
                await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
              return { receipt: 'new' }
            },
          )
          return paid.receipt
        },
      })
    const first = await opened()
    const run = await first.user('ada').orchestra.start({ task: 't', topology: solo(pays(false)) })
    await hanging.promise
    await first.close()
    const ada = (await opened({ agents: [pays(true)] })).user('ada')
    const reloaded = await ada.orchestra.get(run.id)
    expect(await reloaded.result()).toMatchObject({ status: 'waiting', reason: 'uncertain' })
    const [effect] = await reloaded.uncertain()
    expect(effect).toMatchObject({ name: 'charge', step: '1#1' })
    const effectRef = effect as { step: string; call: string }
    for (const wrong of [{ happend: true }, {}, { happened: 'yes' }, { happened: false, output: 1 }, undefined])
      await expect(reloaded.resolve(effectRef, wrong as never)).rejects.toMatchObject({ name: 'ValidationError' })
    expect(charged).toBe(1)
    await reloaded.resolve(effectRef, { happened: true, output: { receipt: 'old' } })
    expect(await reloaded.result()).toMatchObject({ status: 'completed', response: 'old' })
    expect(charged).toBe(1)
    expect(await reloaded.uncertain()).toEqual([])
  })

  it('A run is one trace, which includes the handlers of its messages.', async () => {
    const Note = defineMessage('note', z.object({ n: z.number() }))
    const ada = (await opened()).user('ada')
    const written = Promise.withResolvers<void>()
    class Clerk extends Worker {
      constructor() {
        super('Clerk')
        this.on(Note, async ({ payload }, ctx) => {
          await ctx.context.push('noted', payload.n)
          written.resolve()
        })
      }
    }
    await ada.start(new Clerk())
    const agent = defineAgent({
      name: 'A',
      run: async (_, ctx) => {
        await ctx.context.push('begun', 1)
        await ctx.messages.send(Note, { n: 5 }, { to: 'Clerk' })
      },
    })
    await ada.orchestra.run({ task: 't', topology: solo(agent) })
    await written.promise
    const noted = await vi.waitFor(
      async () => {
        const entry = await ada.context.getEntry('noted')
        expect(entry).toBeDefined()
        return entry
      },
      { timeout: 60_000 },
    )
    const begun = await ada.context.getEntry('begun')
    expect(begun?.provenance.trace?.traceId).toMatch(/^[0-9a-f]{32}$/)
    expect(noted?.provenance.trace?.traceId).toBe(begun?.provenance.trace?.traceId)
    expect(noted?.provenance.trace?.spanId).not.toBe(begun?.provenance.trace?.spanId)
  })

  it('A step commits its context writes together with its outcome, with its agent as the owner.', async () => {
    const ada = (await opened()).user('ada')
    const lead = defineAgent({
      name: 'Lead',
      run: async (input: Json) =>
        (input as { results?: unknown })?.results
          ? finish(input)
          : invoke([
              { agent: 'W', input: 1 },
              { agent: 'W', input: 2 },
            ]),
    })
    const worker = defineAgent({
      name: 'W',
      run: async (n: number, ctx) => {
        await ctx.context.push(`found.${n}`, { n })
        return n
      },
    })
    const run = await ada.orchestra.start({
      task: 't',
      topology: patterns.hubAndSpoke({ hub: lead, spokes: [worker], parallelSpokes: true }),
    })
    expect((await run.result()).status).toBe('completed')
    const entry = await ada.context.getEntry('found.2')
    expect(entry).toMatchObject({ value: { n: 2 }, owner: 'W', provenance: { agent: 'W', runId: run.id } })
  })
})
