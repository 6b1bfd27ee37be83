/** Somebody who watches every change from the beginning: each revision once, in order, with none left out. */
import type { Anomaly, Simulation } from '../../src/testing/index.ts'
import { ask, insist, type Part, type Server } from './simulated-client.ts'

export function watcher(simulation: Simulation, server: Server): Part {
  const anomalies: Anomaly[] = []
  const values = new Map<string, string>()
  let [last, polling] = [0, true]
  /** Watches until so many items came or a while passed. */
  const poll = () =>
    ask(simulation, server, async (service) => {
      const stop = new AbortController()
      const context = service.user('ada').context
      const from = last
      const timer = simulation.clock.after(1_000, () => stop.abort())
      let count = 0
      for await (const item of context.watch({ from, signal: stop.signal })) {
        if (item.type === 'resync') throw Object.assign(new Error('resync'), { code: 'watch.resync' })
        if (item.revision < last) anomalies.push({ rule: 'fifo', message: `revision ${item.revision} after ${last}` })
        if (item.revision > last + 1 && last > 0)
          anomalies.push({ rule: 'lost', message: `revision ${last + 1} was left out before ${item.revision}` })
        last = item.revision
        if (item.type === 'put') values.set(item.key, `${item.version} ${JSON.stringify(item.value)}`)
        else values.delete(item.key)
        count++
      }
      timer()
      return count
    })
  const finish = async () => {
    for (let empty = 0; empty < 2; ) {
      const answer = await poll()
      empty = answer.kind === 'done' && answer.value === 0 ? empty + 1 : 0
    }
  }
  return {
    async run() {
      for (let i = 0; i < 6 && polling; i++) await poll()
    },
    async judge() {
      polling = false
      await finish()
      const entries = await insist(simulation, server, async (service) => {
        const found = new Map<string, string>()
        for await (const { key, version, value } of await service.user('ada').context.list({ limit: 50 }))
          found.set(key, `${version} ${JSON.stringify(value)}`)
        return found
      })
      for (const [key, value] of entries)
        if (values.get(key) !== value)
          anomalies.push({ rule: 'lost', message: `${key} is ${value}, and the watcher saw ${values.get(key)}` })
      for (const key of values.keys())
        if (!entries.has(key)) anomalies.push({ rule: 'lost', message: `the watcher did not see ${key} go` })
      return anomalies
    },
  }
}
