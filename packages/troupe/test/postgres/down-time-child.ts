/** Starts runs with short limits and says so; a second process, given nothing to start, says how they end. */
import { createTroupe, defineAgent, finish, invoke, patterns, type RunConfig } from 'troupe'

const [storage = '', mode] = process.argv.slice(2)
const limits: Readonly<Record<string, RunConfig>> = {
  join: { deadline: '3s' },
  step: { timeouts: { step: '3s' } },
  branch: { timeouts: { branch: '3s' } },
  run: { timeouts: { run: '4s' } },
  time: { budget: { time: '4s' } },
}
const spokes = ['A', 'B'].map((name) =>
  defineAgent({ name, run: () => new Promise<string>((resolve) => void setTimeout(resolve, 700, name)) }),
)
const hub = defineAgent({
  name: 'Hub',
  run: (input) => {
    const { results } = input as { readonly results?: readonly { readonly value?: unknown }[] }
    return results
      ? finish(results.map(({ value }) => value))
      : invoke(spokes.map(({ name }) => ({ agent: name, input: 1 })))
  },
})
const topology = patterns.hubAndSpoke({ hub, spokes, parallelSpokes: true })
const troupe = await createTroupe({
  storage: JSON.parse(storage),
  lease: '1s',
  log: 'silent',
  teams: { team: topology },
})
const { orchestra } = troupe.user('ada')
if (mode === 'start') {
  for (const [id, config] of Object.entries(limits)) await orchestra.start({ id, task: 'go', topology, config })
  process.stdout.write('started\n')
} else {
  const ends: Record<string, unknown> = {}
  for (const id of Object.keys(limits)) {
    const { status, response, error } = await (await orchestra.get(id)).result()
    ends[id] = error?.message ?? [status, response]
  }
  process.stdout.write(JSON.stringify(ends))
  await troupe.close()
}
