/** A hub asks four spokes at once, ten at most, and goes on after a minute with what has arrived. */
import { createTroupe, defineAgent, finish, invoke, patterns, type RunConfig } from 'troupe'

interface Joined {
  readonly results: readonly { readonly agent: string; readonly value: number }[]
}

export async function main() {
  let busy = 0
  let peak = 0
  const spokes = ['Worker1', 'Worker2', 'Worker3', 'Worker4'].map((name, i) =>
    defineAgent({
      name,
      run: async () => {
        peak = Math.max(peak, ++busy)
        await new Promise((resolve) => setTimeout(resolve, 20))
        busy--
        return i + 1
      },
    }),
  )
  const hub = defineAgent({
    name: 'Coordinator',
    run: async (input: string | Joined) =>
      typeof input === 'string'
        ? invoke(spokes.map((agent) => ({ agent, input })))
        : finish(input.results.map(({ agent, value }) => `${agent}: ${value}`)),
  })
  const topology = patterns.hubAndSpoke({ hub, spokes, parallelSpokes: true })
  await using troupe = await createTroupe({ storage: 'memory:' })
  const run = async (config: RunConfig) => {
    peak = 0
    const { response } = await troupe.user('ada').orchestra.run({ task: 'count', topology, config })
    return { response, peak }
  }
  return {
    parallel: await run({ allowParallel: true, maxParallelBranches: 10, deadline: '60s' }),
    two: (await run({ maxParallelBranches: 2 })).peak,
    alone: (await run({ allowParallel: false })).peak,
  }
}

if (import.meta.main) console.log(await main())
