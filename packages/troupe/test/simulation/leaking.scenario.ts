/** A world with a leak, or without an end: what the detector and the bounds must find. */
import { readFile } from 'node:fs/promises'
import type { SimulationScenario } from '../../src/testing/index.ts'

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
  await simulation.sleep(10)
}
export default scenario
