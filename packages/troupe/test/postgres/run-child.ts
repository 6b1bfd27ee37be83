/** Begins a run that ends so many milliseconds later, if ever, and says its id. */
import { createTroupe, defineAgent, patterns } from 'troupe'

const forever = () =>
  new Promise<string>((resolve) => void setTimeout(() => resolve('late'), Number(process.argv[3] ?? 600_000)))
const agent = defineAgent({ name: 'Slow', run: forever })
const troupe = await createTroupe({ storage: JSON.parse(process.argv[2] as string), lease: '2s', log: 'silent' })
const run = await troupe
  .user('k')
  .orchestra.start({ task: 'x', topology: patterns.pipeline({ stages: [{ agents: [agent] }] }) })
process.stdout.write(`${run.id}\n`)
