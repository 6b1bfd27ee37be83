/** Tasks that need each other's results: 5 · 5 and 10 · 5 at once, then their sum. The graph is a topology, checked first. */
import { createTroupe, defineAgent, defineTopology } from 'troupe'

interface Joined<T> {
  readonly results: readonly { readonly agent: string; readonly value: T }[]
}

const times = (name: string, a: number, b: number) => defineAgent({ name, run: async () => a * b })
const sum = defineAgent({
  name: 'Sum',
  run: async ({ results }: Joined<number>) => results.reduce((total, { value }) => total + value, 0),
})
const broken = defineAgent({
  name: 'Second',
  run: async () => {
    throw new Error('it cannot be multiplied')
  },
})

const graph = (second = times('Second', 10, 5)) =>
  defineTopology({
    agents: [times('First', 5, 5), second, sum],
    flows: ['Start => {First, Second}', 'First -> Sum', 'Second -> Sum', 'Sum -> End'],
  })

export async function main() {
  await using troupe = await createTroupe({ storage: 'memory:' })
  const { orchestra } = troupe.user('ada')
  const done = await orchestra.run({ task: null, topology: graph() })
  // What depends on a task that failed does not run, and the run says which one it was.
  const failed = await orchestra.run({ task: null, topology: graph(broken) })
  // Tasks that wait for each other are found before anything runs.
  const circle = await orchestra.check({
    agents: [sum, times('First', 5, 5)],
    flows: ['Start -> Sum', 'Sum -> First', 'First -> Sum'],
  })
  return {
    sum: done.response,
    steps: done.totalSteps,
    failed: failed.branchResults.filter(({ status }) => status === 'failed').map(({ agent }) => agent),
    error: failed.error?.message,
    circle: circle.filter(({ severity }) => severity === 'error').map(({ code }) => code),
  }
}

if (import.meta.main) console.log(await main())
