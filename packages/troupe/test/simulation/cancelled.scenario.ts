/** A run that is cancelled at any moment, through kills: it ends as cancelled, and from then on nothing of it changes. */

import type { Troupe } from '../../src/index.ts'
import type { SimulationScenario } from '../../src/testing/index.ts'
import { createTeam, type Ledger, repeated } from '../reliability/reliability-team.ts'
import { troupe } from '../reliability/troupe-under-test.ts'
import { insistOn } from './repeating-client.ts'

const scenario: SimulationScenario = async (simulation) => {
  const disk = simulation.disk()
  const happened: string[] = []
  const ledger: Ledger = {
    has: (key) => happened.includes(key),
    happen(key) {
      happened.push(key)
      simulation.operation(true)
    },
  }
  const { agents, spec } = createTeam(ledger)
  const server = simulation.node(
    'server',
    ({ clock, random, faults }) =>
      troupe.createTroupe({ storage: 'memory:', clock, random, faults: faults(disk), agents, log: 'silent' }),
    { kills: 2, within: 400 },
  )
  const insist = insistOn(simulation, server)
  const runOf = (service: Troupe) => service.user('ada').orchestra.get('trial')
  await insist(async (service) => (await service.user('ada').orchestra.start(spec)).id)
  await simulation.sleep(600 * simulation.random.next())
  await insist(async (service) => (await runOf(service)).cancel()).catch((error: { readonly code?: string }) => {
    if (error.code !== 'run.over') throw error
  })
  const result = await Promise.race([
    insist(async (service) => (await runOf(service)).result()),
    simulation.sleep(1_200_000),
  ])
  if (result?.status !== 'cancelled')
    throw new Error(`it is ${result?.status ?? 'still going'}: ${result?.reason ?? result?.error?.message}`)
  // What was under way outside may end; what it brings may be recorded, and nothing else.
  await simulation.sleep(20_000)
  simulation.heal()
  const readState = () =>
    insist(async (service) => {
      const { revision } = await service.user('ada').context.stats()
      return { revision, waiting: (await service.user('ada').agent('Log').mailbox.counts()).waiting }
    })
  const [before, effects] = [await readState(), happened.length]
  await simulation.sleep(120_000)
  const after = await readState()
  if (JSON.stringify(before) !== JSON.stringify(after))
    throw new Error(`after its end it went from ${JSON.stringify(before)} to ${JSON.stringify(after)}`)
  if (happened.length !== effects) throw new Error(`after its end ${happened.slice(effects).join(' ')}`)
  const repeats = repeated(happened)
  if (repeats.length > 0) throw new Error(repeats.join('\n'))
  await server.call((service) => service.close())
}
export default scenario
