/** A world of third-party libraries alone: everything they draw from the machine goes into the trace. */
import { generateId, generateText } from 'ai'
import { ExponentialBackoff, handleAll, retry, TimeoutStrategy, timeout } from 'cockatiel'
import { LRUCache } from 'lru-cache'
import PQueue from 'p-queue'
import type { SimulationScenario } from '../../src/testing/index.ts'
import { harness } from '../reliability/library-under-test.ts'

const scenario: SimulationScenario = async (simulation) => {
  const { note } = simulation
  const node = simulation.node('libraries', async () => ({}))
  await Promise.all([
    node.call(async () => {
      const policy = retry(handleAll, { maxAttempts: 4, backoff: new ExponentialBackoff() })
      await policy.execute(({ attempt }) => {
        note(`attempt ${attempt} at ${Date.now()} ${performance.now()}`)
        if (attempt < 4) throw new Error('again')
      })
      const slow = timeout(50, TimeoutStrategy.Aggressive)
      await slow.execute(() => new Promise(() => {})).catch((error: Error) => note(error.constructor.name))
    }),
    node.call(async () => {
      const queue = new PQueue({ concurrency: 2, interval: 100, intervalCap: 2 })
      await Promise.all(Array.from({ length: 6 }, (_, i) => queue.add(() => note(`queued ${i} at ${Date.now()}`))))
    }),
    node.call(async () => {
      const cache = new LRUCache<string, number>({ max: 10, ttl: 30, ttlResolution: 0 })
      for (let i = 0; i < 4; i++) {
        note(`cached ${cache.get('k')}`)
        if (!cache.has('k')) cache.set('k', i)
        await new Promise((resolve) => setTimeout(resolve, 12))
      }
    }),
    node.call(async () => {
      const model = new harness.MockModel({ responses: [{ error: new Error('down') }, 'well'] })
      const { text, response } = await generateText({ model, prompt: 'Hello', maxRetries: 2 }).catch(() =>
        generateText({ model, prompt: 'Hello' }),
      )
      note(`${text} ${generateId()} ${response.timestamp.toISOString()} ${response.id}`)
    }),
    node.call(async () => {
      note(`${crypto.randomUUID()} ${Math.random()} ${process.hrtime.bigint()} ${new Date().toISOString()}`)
      const { hostname } = await import('node:os')
      note(`${process.pid} on ${hostname()}`)
      const { randomBytes, randomInt, randomUUID } = await import('node:crypto')
      note(`${randomBytes(8).toString('hex')} ${randomInt(1_000_000)} ${randomUUID()}`)
      const signal = AbortSignal.timeout(70)
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      note(`aborted ${(signal.reason as Error).name} at ${Date.now()}`)
      const { setTimeout: sleep, scheduler } = await import('node:timers/promises')
      await sleep(5)
      await scheduler.wait(5)
      let ticks = 0
      await new Promise<void>((resolve) => {
        const interval = setInterval(() => {
          note(`tick at ${performance.now()}`)
          if (++ticks < 3) return
          clearInterval(interval)
          resolve()
        }, 9)
      })
    }),
  ])
}
export default scenario
