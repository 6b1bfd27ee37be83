/** A process that is killed inside an at-most-once effect of its run. node killed-payer-child.ts DATABASE */
import { createTroupe, defineAgent } from '../../src/index.ts'

const [database = ''] = process.argv.slice(2)
const payer = defineAgent({
  name: 'Payer',
  run: async (_, ctx) =>
    ctx.effect('pay', { class: 'at-most-once', key: 'order-17', input: { amount: 250 } }, () =>
      process.kill(process.pid, 'SIGKILL'),
    ),
})
const troupe = await createTroupe({ storage: `sqlite:${database}`, log: 'silent' })
const topology = { agents: [payer], flows: ['Start -> Payer', 'Payer -> End'] }
await troupe.user('ada').orchestra.run({ id: 'r', task: 'go', topology })
