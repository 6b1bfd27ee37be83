/** Commits through the storage port: so many writers, each waiting for its commit before it makes the next. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { openStorage, systemClock, systemRandom } from 'troupe/testing'
import { migrations, pushOf } from './workload.ts'

export interface OurResult {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Event loop, 99th percentile and worst. */
  readonly loopP99Ms: number
  readonly loopMaxMs: number
}

export async function ours(url: string, writers: number, forMs: number): Promise<OurResult> {
  const storage = await openStorage({ url, migrations, clock: systemClock, random: systemRandom })
  await run(300)
  const loop = monitorEventLoopDelay({ resolution: 1 })
  loop.enable()
  const { latencies, elapsed } = await run(forMs)
  loop.disable()
  await storage.close()
  latencies.sort((a, b) => a - b)
  const percentile = (p: number) => latencies[Math.floor((latencies.length - 1) * p)] ?? 0
  return {
    perSecond: (latencies.length / elapsed) * 1_000,
    p50Ms: percentile(0.5),
    p99Ms: percentile(0.99),
    loopP99Ms: loop.percentile(99) / 1e6,
    loopMaxMs: loop.max / 1e6,
  }

  async function run(ms: number) {
    const latencies: number[] = []
    const started = performance.now()
    const write = async (writer: number) => {
      for (let n = 0; performance.now() - started < ms; n++) {
        const before = performance.now()
        const result = await storage.commit(pushOf(writer, ms * 1e6 + n))
        if (!result.ok) throw new Error(result.code)
        latencies.push(performance.now() - before)
      }
    }
    await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)))
    return { latencies, elapsed: performance.now() - started }
  }
}
