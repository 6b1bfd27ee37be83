/** One process of the trial: ends steps of runs of many users, as fast as its connections let it. */
import { createInbox, createJournals, journalMigrations, openStorage, systemClock, systemRandom } from 'troupe/testing'

export interface Job {
  readonly url: string
  readonly schema: string
  readonly users: readonly string[]
  readonly forMs: number
}
/** Steps that ended, in each second. */
export type Reply = { readonly kind: 'ready' } | { readonly kind: 'done'; readonly perSecond: readonly number[] }

const connections = 4
const reply = (message: Reply) => process.send?.(message)

process.once('message', async ({ url, schema, users, forMs }: Job) => {
  const storage = await openStorage({
    url,
    postgres: { schema, poolSize: connections },
    migrations: journalMigrations,
    clock: systemClock,
    random: systemRandom,
  })
  const journals = createJournals({ storage, clock: systemClock, owner: 'bench' })
  const inbox = createInbox({ storage, clock: systemClock, owner: () => 'bench' })
  /** The last change of a step: its journal with its end, and the row that reports it to the run. */
  const end = async (user: string, n: number) => {
    const step = `step:r/${process.pid}-${n}`
    const { fragment } = journals.create(user, step, 'step', systemClock.now(), ['ended'], { closed: true })
    const report = inbox.put(user, 'run:r', step, 'end', { output: 'x'.repeat(100) })
    const statements = [...fragment.statements, ...report.statements]
    const result = await storage.commit({ id: null, scope: { user }, statements })
    if (!result.ok) throw new Error(result.code)
  }
  reply({ kind: 'ready' })
  process.once('message', async () => {
    const start = performance.now()
    const perSecond = Array.from({ length: Math.ceil(forMs / 1_000) }, () => 0)
    let n = 0
    const work = async () => {
      for (;;) {
        const user = users[Math.floor(systemRandom.next() * users.length)] ?? ''
        await end(user, n++)
        const second = Math.floor((performance.now() - start) / 1_000)
        if (second >= perSecond.length) return
        perSecond[second] = (perSecond[second] ?? 0) + 1
      }
    }
    await Promise.all(Array.from({ length: 2 * connections }, work))
    reply({ kind: 'done', perSecond })
    await storage.close()
    process.disconnect()
  })
})
