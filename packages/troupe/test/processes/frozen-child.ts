/**
 * Begins runs whose steps stand still until they are told to go on, which is when their process wakes from a freeze; then
 * each tries all that a step may do, and says what came of it.
 *
 * node frozen-child.ts STORAGE LEDGER RUNS, with an IPC channel
 */
import { appendFileSync } from 'node:fs'
import type { Json } from '../../src/index.ts'
import { troupe } from '../reliability/troupe-under-test.ts'

const { createTroupe, defineAgent, defineMessage } = troupe
const [storage = '', ledger = '', runs = '1'] = process.argv.slice(2)
const Late = defineMessage<string>('late')
const report = (message: object) => process.send?.(message)
const awake = Promise.withResolvers<void>()

const still = defineAgent<string, Json>({
  name: 'Still',
  run: async (run, ctx) => {
    await ctx.context.push(`${run}.early`, 1)
    await ctx.commit()
    report({ ready: run })
    await awake.promise
    await ctx.context.push(`${run}.late`, 1)
    await ctx.messages.send(Late, run, { to: 'Log' })
    const committed = ctx.commit()
    const acted = ctx.effect('act', { class: 'at-most-once' }, async () =>
      appendFileSync(ledger, `at-most-once ${run}\n`),
    )
    const seen = ctx.effect('look', { class: 'read' }, async () => appendFileSync(ledger, `read ${run}\n`))
    await Promise.allSettled([committed, acted, seen])
    return 'late'
  },
})

const service = await createTroupe({ storage: JSON.parse(storage), agents: [still], lease: '1s', log: 'silent' })
process.on('message', () => awake.resolve())
process.on('disconnect', () => process.exit())
for (let n = 0; n < Number(runs); n++) {
  const id = `${process.pid}-${n}`
  await service.user('ada').orchestra.start({ id, task: id, topology: { agents: [still], flows: ['Still -> End'] } })
}
