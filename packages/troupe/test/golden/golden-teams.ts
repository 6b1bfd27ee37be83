/** Teams whose runs are kept as exports: one for each thing that a journal can hold. */
import {
  type Agent,
  createTroupe,
  defineAgent,
  defineMessage,
  defineTool,
  finish,
  handOff,
  invoke,
  LlmAgent,
  type Orchestra,
  patterns,
  type Run,
} from 'troupe'
import type { ExportedRun } from 'troupe/operations'
import { MockModel } from 'troupe/testing'
import { z } from 'zod'

type Team = (orchestra: Orchestra) => Promise<Run<unknown>>

const echo = (name: string) => defineAgent<string>({ name, run: async (input) => `${input}>${name}` })
const pipe = (...agents: Agent[]) => patterns.pipeline({ stages: agents.map((agent) => ({ agents: [agent] })) })
const lead = (...spokes: string[]) =>
  defineAgent({
    name: 'Lead',
    run: async (input: { results?: readonly { value?: unknown; success: boolean }[] }) =>
      input.results ? finish(input.results) : invoke(spokes.map((agent) => ({ agent, input: `for ${agent}` }))),
  })
const flaky = (name: string, failures: number) => {
  let left = failures
  return defineAgent({
    name,
    run: async () => {
      if (left-- > 0) throw new Error('not yet')
      return `${name} at last`
    },
  })
}
const ended = async (run: Run<unknown>): Promise<Run<unknown>> => {
  await run.result()
  return run
}
/** Answers all that is asked until it is over. */
const answered = async (run: Run<unknown>, value: (kind: string, hash?: string) => never): Promise<Run<unknown>> => {
  for (let result = await run.result(); result.status === 'waiting'; result = await run.result())
    for (const { id, kind, hash } of result.questions) await run.answer(id, value(kind, hash))
  return run
}
const Ask = defineMessage('ask', z.string(), { reply: z.string() })

export const teams: Readonly<Record<string, Team>> = {
  'fan-out': async (orchestra) => {
    const spokes = ['A', 'B', 'C'].map(echo)
    const topology = patterns.hubAndSpoke({ hub: lead('A', 'B', 'C'), spokes, parallelSpokes: true })
    return ended(await orchestra.start({ task: 'go', topology }))
  },
  quorum: async (orchestra) => {
    const spokes = ['A', 'B', 'C'].map(echo)
    const topology = {
      agents: [lead('A', 'B', 'C'), ...spokes],
      flows: ['Start -> Lead', 'Lead <-> A', 'Lead <-> B', 'Lead <-> C', 'Lead -> End'],
      nodes: { Lead: { join: { quorum: 2 } } },
    }
    return ended(await orchestra.start({ task: 'go', topology }))
  },
  failures: async (orchestra) => {
    const topology = {
      agents: [lead('A', 'B'), flaky('A', 1), flaky('B', 9)],
      flows: ['Start -> Lead', 'Lead <-> A', 'Lead <-> B', 'Lead -> End'],
      nodes: { Lead: { onFailure: 'collect' as const } },
    }
    const config = { onError: { '*': { retry: { attempts: 2, backoff: '1ms' } } } } as const
    return ended(await orchestra.start({ task: 'go', topology, config }))
  },
  substitute: async (orchestra) => {
    const topology = pipe(flaky('A', 9), echo('B'))
    return ended(await orchestra.start({ task: 'go', topology, config: { onError: { '*': { value: 'instead' } } } }))
  },
  'run-retry': async (orchestra) =>
    ended(
      await orchestra.start({
        task: 'go',
        topology: pipe(flaky('A', 1)),
        config: { retry: { attempts: 2, backoff: '1ms' } },
      }),
    ),
  questions: async (orchestra) => {
    const asks = defineAgent({
      name: 'A',
      run: async (_, ctx) => [
        await ctx.ask({ text: 'Which?' }),
        await ctx.ask({ kind: 'choice', text: 'One of', options: ['red', 'blue'] }),
        await ctx.ask({ kind: 'confirmation', text: 'Sure?' }),
      ],
    })
    const run = await orchestra.start({ task: 'go', topology: pipe(asks) })
    return answered(run, (kind) => (kind === 'choice' ? 'red' : kind === 'confirmation' ? true : 'this') as never)
  },
  approvals: async (orchestra) => {
    const pay = defineTool({
      name: 'pay',
      description: 'Pays.',
      inputSchema: z.object({ amount: z.number() }),
      effect: 'at-most-once',
      needsApproval: true,
      execute: async ({ amount }) => `paid ${amount}`,
    })
    const usage = { inputTokens: 11, outputTokens: 7 }
    const model = new MockModel({
      responses: [
        { toolCalls: [{ name: 'pay', args: { amount: 5 } }], usage },
        { text: 'paid', usage },
      ],
    })
    const run = await orchestra.start({
      task: 'go',
      topology: pipe(new LlmAgent({ name: 'A', model, tools: { pay } })),
    })
    return answered(run, (_, hash) => ({ approve: true, hash }) as never)
  },
  requests: async (orchestra) => {
    const asks = defineAgent({
      name: 'A',
      run: async (_, ctx) => finish(await ctx.messages.request(Ask, 'who?', { to: 'B' })),
    })
    const topology = { agents: [asks, echo('B')], flows: ['Start -> A', 'A <-> B', 'A -> End'] }
    return ended(await orchestra.start({ task: 'go', topology }))
  },
  'sub-run': async (orchestra) => {
    const starts = defineAgent({
      name: 'A',
      run: async (input: string, ctx) => {
        const child = await ctx.startRun({ task: input, topology: pipe(echo('B')) })
        return (await child.result()).response ?? null
      },
    })
    return ended(await orchestra.start({ task: 'go', topology: pipe(starts) }))
  },
  guards: async (orchestra) => {
    const [tick, tock] = [
      ['Tick', 'Tock'],
      ['Tock', 'Tick'],
    ].map(([name = '', other = '']) => defineAgent({ name, run: (n: number) => handOff(other, n + 1) }))
    const agents = [tick, tock].flatMap((agent) => agent ?? [])
    const topology = { agents, flows: ['Start -> Tick', 'Tick <-> Tock', 'Tick -> End', 'Tock -> End'] }
    return ended(await orchestra.start({ task: 1, topology, config: { guards: { pingPong: { hops: 4 } } } }))
  },
  'turns-and-conditions': async (orchestra) => {
    const topology = {
      agents: [echo('A'), echo('B')],
      flows: ['Start -> A', 'A <~> B', 'A -> End', 'B -> End'],
      edges: { 'A <~> B': { maxTurns: 4 } },
    }
    return ended(await orchestra.start({ task: 'go', topology }))
  },
  pauses: async (orchestra) => {
    const asks = defineAgent({ name: 'A', run: async (_, ctx) => ctx.ask({ text: 'Well?' }) })
    const run = await ended(
      await orchestra.start({ task: 'go', topology: pipe(asks), config: { timeouts: { human: '1h' } } }),
    )
    await run.pause()
    await run.resume()
    return answered(run, () => 'yes' as never)
  },
  cancelled: async (orchestra) => {
    const asks = defineAgent({ name: 'B', run: async (_, ctx) => ctx.ask({ text: 'Well?' }) })
    const topology = patterns.hubAndSpoke({ hub: lead('A', 'B'), spokes: [echo('A'), asks], parallelSpokes: true })
    const run = await ended(await orchestra.start({ task: 'go', topology }))
    await run.cancel()
    return run
  },
  breakpoints: async (orchestra) => {
    const config = { debug: { breakOn: ['error', { agent: 'A' }] } } as const
    const run = await ended(
      await orchestra.start({ task: 'go', topology: pipe(echo('A'), flaky('B', 1), echo('C')), config }),
    )
    await run.edit({ inputs: { 1: 'edited' } })
    await run.step()
    await run.resume()
    await run.result()
    await run.edit({ results: { '1#2': 'by hand' } })
    await run.resume()
    return ended(run)
  },
  retried: async (orchestra) =>
    ended(await (await ended(await orchestra.start({ task: 'go', topology: pipe(echo('A'), flaky('B', 1)) }))).retry()),
}

/** An effect whose process goes away while it is carried out: the next one finds that nobody knows what became of it. */
export async function uncertain(storage: string): Promise<ExportedRun> {
  const began = Promise.withResolvers<void>()
  const acts = (act: () => unknown) =>
    pipe(
      defineAgent({
        name: 'A',
        run: async (_, ctx) => ctx.effect('pay', { class: 'at-most-once' }, act as () => string),
      }),
    )
  const first = await createTroupe({ storage, log: 'silent' })
  const never = acts(() => {
    began.resolve()
    return new Promise(() => {})
  })
  await first.user('ada').orchestra.start({ id: 'uncertain', task: 'go', topology: never })
  await began.promise
  await first.close()
  const second = await createTroupe({ storage, log: 'silent', teams: { acts: acts(() => 'paid') } })
  const { orchestra } = second.user('ada')
  const run = await orchestra.get('uncertain')
  await run.result()
  for (const effect of await run.uncertain()) await run.resolve(effect, { happened: true, output: 'paid' })
  await run.result()
  const file = await orchestra.export(run.id)
  await second.close()
  return file
}
