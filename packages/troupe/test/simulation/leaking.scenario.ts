/** A simulation with a leak, or without an end: what the detector and the bounds must find. */
import { readFile } from 'node:fs/promises'
import type { Simulation, SimulationScenario } from '../../src/testing/index.ts'

const scenario: SimulationScenario = async (simulation) => {
  const node = simulation.node('leaking', async () => ({}))
  if (simulation.options === 'files') await node.call(() => void readFile(import.meta.filename))
  if (simulation.options === 'stuck') await new Promise(() => {})
  if (simulation.options === 'endless')
    await node.call(async (_, { clock }) => {
      for (;;) await new Promise<void>((resolve) => clock.soon(resolve))
    })
  if (simulation.options === 'wrong') throw new Error('a promise was broken')
  if (simulation.options === 'stray') {
    void Promise.reject(new Error('nobody caught this'))
    await simulation.sleep(10)
  }
  // The rehearsal and the other seeds pass, so that a report of this one is needed.
  if (simulation.seed === 'seed-1') await misbehave(simulation)
  await simulation.sleep(10)
}

async function misbehave(simulation: Simulation): Promise<void> {
  await simulation.sleep(10)
  if (simulation.options === 'blocks') for (;;) await null
  if (simulation.options === 'exits') process.exit(7)
  if (simulation.options === 'prints') console.log('A line of seed-1.')
  if (simulation.options === 'object') throw { code: 'order.lost', order: 17 }
  if (simulation.options === 'details') throw Object.assign(new Error('the balance'), { details: { balance: 12n } })
  if (simulation.options === 'cycle') {
    const error = new Error('the beginning')
    error.cause = new Error('the end', { cause: error })
    throw error
  }
  if (simulation.options === 'start') {
    const node = simulation.node('server', () => Promise.reject(new Error('no storage')))
    await node.call(() => 1)
  }
}
export default scenario
