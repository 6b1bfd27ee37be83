/** A check that fails as soon as its server was killed twice, or always: for the search of the fewest faults. */
import type { SimulationScenario } from '../../src/testing/index.ts'
import { troupe } from '../reliability/troupe-under-test.ts'

const scenario: SimulationScenario = async (simulation) => {
  const disk = simulation.disk()
  const server = simulation.node(
    'server',
    ({ clock, random, faults }) =>
      troupe.createTroupe({ storage: 'memory:', clock, random, faults: faults(disk), log: 'silent' }),
    { kills: 3, within: 200 },
  )
  for (let i = 0; i < 150; i++) {
    const pushed = server.call((team) => team.user('ada').context.push(`counter.${i}`, i))
    simulation.operation(await pushed.then(() => true).catch(() => false))
  }
  simulation.heal()
  await server.call((team) => team.close())
  if (simulation.options === 'always' || server.kills >= 2) throw new Error(`${server.kills} kills`)
}
export default scenario
