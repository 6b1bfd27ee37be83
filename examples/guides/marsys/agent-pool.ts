/** Ten instances, made before they are needed, lent to one step at a time, and let go when nobody wants them. */
import { AgentPool, createTroupe, defineAgent, patterns } from 'troupe'

export async function main() {
  let made = 0
  let busy = 0
  let peak = 0
  const pool = new AgentPool({
    name: 'Worker',
    create: () => {
      made++
      return defineAgent({
        name: 'Worker',
        run: async (n: number) => {
          peak = Math.max(peak, ++busy)
          await new Promise(setImmediate)
          busy--
          return n * n
        },
      })
    },
    size: 10,
    warmStart: true,
    maxIdle: '5m',
  })
  await pool.ready()
  const warm = pool.stats().idle
  const sum = defineAgent({
    name: 'Sum',
    run: async ({ results }: { results: readonly { value: number }[] }) =>
      results.reduce((total, { value }) => total + value, 0),
  })
  await using troupe = await createTroupe({ storage: 'memory:' })
  const { response } = await troupe.user('ada').orchestra.run({
    task: Array.from({ length: 30 }, (_, i) => i + 1),
    topology: patterns.mapReduce({ map: pool, reduce: sum }),
    config: { maxParallelBranches: 30 },
  })
  await pool.close()
  return { warm, response, made, within: peak <= 10 }
}

if (import.meta.main) console.log(await main())
