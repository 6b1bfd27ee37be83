/**
 * A process that works on the runs of a database until it is killed, and starts those whose id it is sent. Each effect
 * writes a line with this process and the time.
 *
 * node takeover-child.ts STORAGE LEASE FOLDER NAME, with an IPC channel
 */
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createTroupe, type Duration, defineAgent, patterns } from 'troupe'

const [storage = '', lease = '2s', folder = '', name = ''] = process.argv.slice(2)
const Worker = defineAgent<string, string>({
  name: 'Worker',
  run: async (run, ctx) => {
    for (let n = 0; n < 400; n++)
      await ctx.effect(`effect-${n}`, { class: 'idempotent' }, async () => {
        appendFileSync(join(folder, run), `${name} ${Date.now()} ${n}\n`)
        await sleep(20)
      })
    return 'done'
  },
})
const topology = patterns.pipeline({ stages: [{ agents: [Worker] }] })
const troupe = await createTroupe({
  storage: JSON.parse(storage),
  agents: [Worker],
  teams: { work: topology },
  lease: lease as Duration,
  log: 'silent',
})
process.on('message', (id: string) => void troupe.user('ada').orchestra.start({ id, task: id, topology }))
process.on('disconnect', () => process.exit())
process.send?.('works')
