/**
 * The contract net: a manager announces a task, contractors bid or decline, the cheapest is awarded; where it fails, the
 * next cheapest is (Smith, "The Contract Net Protocol", 1980).
 */
import { type Agent, AgentError, createTroupe, defineAgent, defineKey, finish, invoke, patterns } from 'troupe'
import { z } from 'zod'

type Call = { readonly call: 'bid' | 'perform'; readonly task: string }
interface Replies {
  readonly results: readonly { readonly agent: string; readonly success: boolean; readonly value?: unknown }[]
}
const Contract = z.object({ task: z.string(), willing: z.array(z.string()).optional() })
const ContractKey = defineKey('contracts.{run}', Contract)

/** @param contractors answer `{ call: 'bid', task }` with a price or null, and `{ call: 'perform', task }` with the work */
export function contractNet(contractors: readonly Agent[]) {
  const manager = defineAgent({
    name: 'Manager',
    run: async (input: string | Replies, ctx) => {
      const key = ContractKey({ run: ctx.runId ?? '' })
      if (typeof input === 'string') {
        await ctx.context.push(key, { task: input }, { audience: 'owner' })
        return invoke(contractors.map((agent) => ({ agent, input: { call: 'bid', task: input } satisfies Call })))
      }
      const { task, willing } = Contract.parse(await ctx.context.get(key))
      const [reply] = input.results
      if (willing && reply?.success) return finish({ by: reply.agent, work: reply.value })

      const [awarded, ...others] = willing ?? cheapestFirst(input)
      if (!awarded) throw new AgentError(`Nobody can ${task}.`)
      await ctx.context.push(key, { task, willing: others }, { audience: 'owner' })
      return invoke([{ agent: awarded, input: { call: 'perform', task } satisfies Call }])
    },
  })
  return patterns.supervisor({ supervisor: manager, workers: contractors, config: { deadline: '30s' } })
}

const cheapestFirst = ({ results }: Replies) =>
  results
    .flatMap(({ agent, value }) => (typeof value === 'number' ? [{ agent, value }] : []))
    .sort((a, b) => a.value - b.value)
    .map(({ agent }) => agent)

export async function main() {
  await using troupe = await createTroupe({ storage: 'memory:' })
  const { orchestra } = troupe.user('ada')
  const contractor = (name: string, price: number | null, perform: (task: string) => string) =>
    defineAgent({ name, run: async ({ call, task }: Call) => (call === 'bid' ? price : perform(task)) })
  const topology = contractNet([
    contractor('Dear', 30, (task) => `${task}, in gold`),
    contractor('Cheap', 10, () => {
      throw new Error('the ladder broke')
    }),
    contractor('Fair', 20, (task) => `${task}, done`),
    contractor('Busy', null, () => ''),
  ])
  const done = await orchestra.run({ task: 'paint the house', topology })
  const unanswered = await orchestra.run({
    task: 'paint the moon',
    topology: contractNet([contractor('Busy', null, () => '')]),
  })
  return { done: done.response, unanswered: unanswered.error?.message }
}

if (import.meta.main) console.log(await main())
