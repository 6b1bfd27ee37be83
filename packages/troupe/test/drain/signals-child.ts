/**
 * A process that watches its signals, with a turn that takes long. It says `ready`, and is then told or made to end.
 *
 * node signals-child.ts slow | uncaught | rejection
 */
import { writeSync } from 'node:fs'
import { createTroupe, defineAgent, handleSignals } from 'troupe'

const [how] = process.argv.slice(2)
const troupe = await createTroupe({ storage: 'memory:', log: 'info' })
handleSignals(troupe, { timeout: '20s', closing: [() => writeSync(1, 'closing\n')] })
const began = Promise.withResolvers<void>()
const slow = defineAgent({
  name: 'Slow',
  run: async () => {
    began.resolve()
    await new Promise((resolve) => setTimeout(resolve, how === 'slow' ? 60_000 : 10))
    writeSync(1, 'came to its end\n')
  },
})
const topology = { agents: [slow], flows: ['Start -> Slow', 'Slow -> End'] } as const
void troupe
  .user('ada')
  .orchestra.run({ task: 1, topology: { ...topology, flows: [...topology.flows] } })
  .catch(() => {})
await began.promise
writeSync(1, 'ready\n')
if (how === 'uncaught')
  setTimeout(() => {
    throw new Error('a defect of the host')
  }, 1)
if (how === 'rejection') void Promise.reject(new Error('a defect of the host'))
setInterval(() => {}, 1_000)
