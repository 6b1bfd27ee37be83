/** An agent that only analyses: its answer depends on its input alone, and has the form that it declares. */
import { createTroupe, defineAgent, type Orchestra, patterns } from 'troupe'
import { z } from 'zod'

const Analysis = z.object({ count: z.int(), average: z.number() })

const analyzer = defineAgent({
  name: 'DataAnalyzer',
  inputSchema: z.array(z.number()).min(1),
  outputSchema: Analysis,
  run: async (numbers) => ({ count: numbers.length, average: numbers.reduce((sum, n) => sum + n, 0) / numbers.length }),
})
const careless = defineAgent({
  name: 'CarelessAnalyzer',
  outputSchema: Analysis,
  // What comes from outside has no type.
  run: async () => JSON.parse('{ "count": "many" }'),
})

const analyse = async (orchestra: Orchestra, agent: typeof analyzer, task: unknown) => {
  const topology = patterns.pipeline({ stages: [{ agents: [agent] }] })
  const { response, error } = await orchestra.run({ task, topology })
  return error ? error.name : response
}

export async function main() {
  await using troupe = await createTroupe({ storage: 'memory:' })
  const { orchestra } = troupe.user('ada')
  return {
    analysed: await analyse(orchestra, analyzer, [1, 2, 6]),
    wrongInput: await analyse(orchestra, analyzer, 'a few numbers'),
    wrongOutput: await analyse(orchestra, careless, [1]),
  }
}

if (import.meta.main) console.log(await main())
