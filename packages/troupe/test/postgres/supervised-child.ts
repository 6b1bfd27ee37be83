/**
 * A process that supervises workers which crash: each message is charged once, then some handlers fail and one
 * hangs, and listens to no signal. Says `up`, and then each charge on a line of its own.
 */
import { writeSync } from 'node:fs'
import { createTroupe, defineMessage, Worker } from 'troupe'

const [storage = '', seed = '0'] = process.argv.slice(2)
const Order = defineMessage<number>('order')
const troupe = await createTroupe({
  storage: JSON.parse(storage),
  log: 'silent',
  messaging: { lease: '2s', maxAttempts: 50 },
  presence: { heartbeat: '1s' },
})
let handled = Number(seed)
let hangs = 1
class Till extends Worker {
  constructor() {
    super('Till', { concurrency: 4, retry: { backoff: '10ms', maxBackoff: '100ms' } })
    this.on(Order, async ({ payload }, ctx) => {
      const n = ++handled
      await ctx.effect('charge', { class: 'at-most-once', key: `order ${payload}` }, () => {
        // Written before anything else can happen to this process.
        writeSync(1, `charged ${payload}\n`)
        return null
      })
      if (n % 5 === 1) throw new Error('it fails')
      if (n % 7 === 2 && hangs-- > 0) await new Promise(() => {})
      await ctx.context.push(`done.${payload}`, true)
    })
  }
}
await troupe.user('ada').supervise([() => new Till(), () => new Till()], {
  strategy: 'one-for-all',
  restarts: { max: 10_000, within: '1m' },
  backoff: '10ms',
  maxBackoff: '50ms',
  hang: '500ms',
})
writeSync(1, 'up\n')
