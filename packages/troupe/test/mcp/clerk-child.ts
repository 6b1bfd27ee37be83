/** Begins a run of the clerk and goes on with it until it is killed. */
import { createTroupe } from '../../src/index.ts'
import { createClerk } from './clerk.ts'

const [, , storage = '', file = ''] = process.argv
const { clerk } = createClerk(file)
const troupe = await createTroupe({ storage, log: 'silent', agents: [clerk] })
const run = await troupe
  .user('ada')
  .orchestra.start({ id: 'filing', task: 'go', topology: { agents: [clerk], flows: [] } })
await run.result()
