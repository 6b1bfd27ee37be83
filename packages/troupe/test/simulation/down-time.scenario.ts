/**
 * A hub-and-spoke run with limits of minutes, whose process is killed once and started again minutes, hours or days later, or
 * is suspended for as long: it ends as it would have.
 */
import type { SimulationScenario } from '../../src/testing/index.ts'
import { troupe } from '../reliability/troupe-under-test.ts'

const { createTroupe, defineAgent, finish, invoke, patterns } = troupe
const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

const spokes = ['One', 'Two', 'Three'].map((name) =>
  defineAgent({
    name,
    run: async (input, ctx) => {
      const first = await ctx.effect('first', { class: 'idempotent' }, async () => {
        await sleep(20_000)
        return `${name} read ${String(input)}`
      })
      await ctx.commit()
      await sleep(15_000)
      return first
    },
  }),
)
const hub = defineAgent({
  name: 'Hub',
  run: (input) => {
    const { results } = input as {
      readonly results?: readonly { readonly value?: unknown; readonly error?: unknown }[]
    }
    if (results) return finish(results.map(({ value, error }) => value ?? JSON.stringify(error)))
    return invoke(spokes.map(({ name }, i) => ({ agent: name, input: i })))
  },
})
const topology = patterns.hubAndSpoke({ hub, spokes, parallelSpokes: true })
const config = {
  deadline: '90s',
  timeouts: { step: '60s', branch: '90s', run: '3m' },
  budget: { time: '3m' },
} as const
const expected = JSON.stringify(['One read 0', 'Two read 1', 'Three read 2'])

const scenario: SimulationScenario = async (simulation) => {
  const [, how = 'kill', at = '0', gapMs = '0'] = /^(kill|freeze)-(\d+)-(\d+)$/.exec(simulation.seed) ?? []
  simulation.heal()
  const disk = simulation.disk()
  const server = simulation.node(
    'server',
    ({ clock, random, faults }) =>
      createTroupe({
        storage: 'memory:',
        clock,
        random,
        faults: faults(disk),
        agents: [hub, ...spokes],
        log: 'silent',
      }),
    how === 'kill' ? { killAt: [Number(at)], restartMs: Number(gapMs) } : {},
  )
  const insist = async <T>(run: Parameters<typeof server.call<T>>[0]): Promise<T> => {
    for (;;)
      try {
        return await server.call(run)
      } catch (error) {
        if ((error as { readonly code?: string }).code !== 'process.lost') throw error
      }
  }
  const id = 'down'
  await insist(
    async (service) => void (await service.user('ada').orchestra.start({ id, task: 'go', topology, config })),
  )
  if (how === 'freeze') {
    await simulation.sleep(Number(at))
    server.freeze(Number(gapMs))
  }
  const { status, response, error, durationMs } = await insist(async (service) =>
    (await service.user('ada').orchestra.get(id)).result(),
  )
  simulation.note(`${status} after ${durationMs} ms`)
  simulation.operation(status === 'completed')
  if (JSON.stringify(response) !== expected) throw new Error(`${status}: ${JSON.stringify(response)} ${error?.message}`)
  const replay = await insist((service) => service.user('ada').orchestra.verifyReplay(id))
  if (!replay.identical) throw new Error(JSON.stringify(replay.difference))
  await insist((service) => service.close())
}
export default scenario
