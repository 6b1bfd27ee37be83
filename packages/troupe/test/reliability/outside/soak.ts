/**
 * Steady load on a fixed working set, for days of a clock that is moved: with short retention the file, the heap and the
 * open handles level off.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Troupe, TroupeConfig } from '../../../src/index.ts'
import { harness } from '../library-under-test.ts'
import { troupe } from '../troupe-under-test.ts'
import type { Program } from './program.ts'

/** Refusals stay in the audit log for a day, and its tree as long: what is compared lies behind that. */
const hours = 120
const perHour = { pushes: 100, messages: 20, runs: 3 }
const keys = 50

/** What is stored longest by these settings goes after an hour. */
const retention = {
  audit: { retention: '1h' },
  context: { cleanup: '5m', limits: { history: 5 } },
  messaging: { retention: '1h', dedupe: '1h' },
  traces: { retention: '1h' },
  retention: { changeIds: '1h', feed: '1h', every: '1m', replay: '1h', runs: '1h' },
} as const satisfies Partial<TroupeConfig>

/** At 25, 50, 75 and 100 % of the time. */
interface Sample {
  readonly hour: number
  readonly fileBytes: number
  readonly heapBytes: number
  readonly handles: number
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const Job = troupe.defineMessage<{ n: number }>('soak.job')
const Writer = troupe.defineAgent<number, number>({
  name: 'Writer',
  run: async (n, { context }) => {
    await context.push('run.output', n)
    return n
  },
})

async function workFor(service: Troupe, hour: number, load: typeof perHour): Promise<void> {
  const ada = service.user('ada')
  const { context } = ada.agent('Pusher')
  const { messages } = ada.agent('Sender')
  const { mailbox } = ada.agent('Receiver')
  const watcher = new AbortController()
  const watched = ada.context.watch({ signal: watcher.signal })[Symbol.asyncIterator]().next()
  for (let n = 0; n < load.pushes; n++) await context.push(`key.${n % keys}`, { hour, text: 'x'.repeat(100) })
  for (let n = 0; n < load.messages; n++) await messages.send(Job, { n }, { to: 'Receiver', dedupeId: `${hour}.${n}` })
  for (let left = load.messages; left > 0; ) {
    const deliveries = await mailbox.receive({ max: 100 })
    if (deliveries.length === 0) throw new Error(`${left} messages were not delivered`)
    for (const delivery of deliveries) await delivery.ack()
    left -= deliveries.length
  }
  for (let n = 0; n < load.runs; n++) {
    const { status } = await ada.orchestra.run({ agent: 'Writer', task: n })
    if (status !== 'completed') throw new Error(`a run is ${status}`)
  }
  watcher.abort()
  await watched.catch(() => {})
}

async function sample(service: Troupe, hour: number): Promise<Sample> {
  collect()
  const { database } = await service.sizes()
  return {
    hour,
    fileBytes: database,
    heapBytes: process.memoryUsage().heapUsed,
    handles: process.getActiveResourcesInfo().length,
  }
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(2)} MB`

/** From the middle to the end, when everything has been retired for days. */
function judge(samples: readonly Sample[], rows: readonly [Record<string, number>, Record<string, number>]): string[] {
  const [middle, end] = [samples[1] as Sample, samples[3] as Sample]
  const problems: string[] = []
  if (end.fileBytes > middle.fileBytes * 1.1) {
    const [before, after] = rows
    const grown = Object.entries(after).filter(([table, count]) => count > (before[table] ?? 0) * 1.1 + 50)
    const tables = grown.map(([table, count]) => `${table} ${before[table] ?? 0} then ${count}`)
    problems.push(`the file grew from ${middle.fileBytes} to ${end.fileBytes} bytes: ${tables.join(', ')}`)
  }
  if (end.heapBytes > middle.heapBytes * 1.25 + 8e6)
    problems.push(`the heap grew from ${middle.heapBytes} to ${end.heapBytes} bytes`)
  if (end.handles > middle.handles + 10) problems.push(`${middle.handles} handles became ${end.handles}`)
  return problems
}

export const program: Program = {
  name: 'soak',
  promise: 'With short retention the file, the heap and the handles level off under a steady load.',
  async run({ scale, report }) {
    const folder = mkdtempSync(join(tmpdir(), 'troupe-outside-soak-'))
    const clock = harness.createVirtualClock()
    const more = Math.min(scale, 10)
    const load = { pushes: perHour.pushes * more, messages: perHour.messages * more, runs: perHour.runs * more }
    const storage = `sqlite:${join(folder, 'troupe.db')}`
    const service = await troupe.createTroupe({ storage, clock, agents: [Writer], log: 'silent', ...retention })
    const samples: Sample[] = []
    const tables: Record<string, number>[] = []
    try {
      for (let hour = 1; hour <= hours; hour++) {
        await workFor(service, hour, load)
        for (let quarter = 0; quarter < 4; quarter++) {
          await clock.advance('15m')
          // Cleanups go on in real time: their changes are written by another thread.
          await sleep(10)
        }
        if (hour % (hours / 4) !== 0) continue
        samples.push(await sample(service, hour))
        tables.push((await service.sizes()).tables)
      }
    } finally {
      const closed = service.close()
      await clock.advance('1m')
      await closed
      rmSync(folder, { recursive: true, force: true })
    }
    for (const { hour, fileBytes, heapBytes, handles } of samples)
      report(`after ${hour} h: file ${megabytes(fileBytes)}, heap ${megabytes(heapBytes)}, ${handles} handles`)
    return judge(samples, [tables[1] ?? {}, tables[3] ?? {}])
  },
}
