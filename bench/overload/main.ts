/**
 * Five times the load that a troupe can carry: an agent whose model takes a while and of which so many work at once, first
 * given nine tenths of what it can carry, then five times that. Goodput against the first, memory, and what a quiet user waits.
 *
 * node --expose-gc bench/overload/main.ts [seconds]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createTroupe, defineAgent, type Troupe } from 'troupe'

const seconds = Number(process.argv[2] ?? 10)
const [concurrent, workMs, noisy] = [8, 100, 20]
const capacity = (concurrent * 1_000) / workMs
const agent = defineAgent({
  name: 'Answers',
  run: (text: string, ctx) => ctx.effect('ask', { class: 'read' }, () => sleep(workMs, text)),
})

async function load(troupe: Troupe, perSecond: number) {
  let [done, rejected, failed, open, peak] = [0, 0, 0, 0, 0]
  const isolated: number[] = []
  const call = async (user: string, waits?: number[]) => {
    const began = performance.now()
    open++
    try {
      await troupe.user(user).session(agent).generate('go')
      done++
      waits?.push(performance.now() - began)
    } catch (error) {
      if ((error as { code?: string }).code === 'bulkhead.full') rejected++
      else failed++
    } finally {
      open--
    }
  }
  const began = performance.now()
  let [sent, asked] = [0, 0]
  while (performance.now() - began < seconds * 1_000) {
    const elapsed = (performance.now() - began) / 1_000
    for (; sent < elapsed * perSecond; sent++) void call(`noisy ${sent % noisy}`)
    for (; asked < elapsed * 2; asked++) void call('isolated', isolated)
    peak = Math.max(peak, process.memoryUsage().rss)
    await sleep(5)
  }
  const goodput = (done * 1_000) / (performance.now() - began)
  while (open > 0) await sleep(10)
  isolated.sort((a, b) => a - b)
  return {
    goodput,
    rejected,
    failed,
    sent,
    peak,
    asked,
    served: isolated.length,
    p99: isolated[Math.ceil(isolated.length * 0.99) - 1] ?? Number.POSITIVE_INFINITY,
  }
}

// In a file: the growth of a database in memory would be taken for that of the troupe.
const folder = mkdtempSync(join(resolve('.'), '.bench-overload-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
const troupe = await createTroupe({
  storage: `sqlite:${join(folder, 'troupe.db')}`,
  log: 'silent',
  policies: {
    agents: { '*': { bulkhead: { concurrent, queue: concurrent * 2 } } },
  },
})
await load(troupe, capacity * 0.9)
const full = await load(troupe, capacity * 0.9)
const over = await load(troupe, capacity * 5)
await troupe.close()
for (const [name, one] of [
  ['at nine tenths', full],
  ['at five times', over],
] as const)
  console.log(
    `${name}: ${one.sent} sent, ${one.goodput.toFixed(0)} a second carried, ${one.rejected} refused, ${one.failed} broken, ` +
      `${(one.peak / 1024 / 1024).toFixed(0)} MB; quiet user ${one.served} of ${one.asked}, p99 ${one.p99.toFixed(0)} ms`,
  )
console.log(`goodput ${(over.goodput / full.goodput).toFixed(2)} (at least 0.80)`)
console.log(`memory ${(over.peak / full.peak).toFixed(2)} (at most 1.30)`)
console.log(`p99 of the quiet user ${(over.p99 / full.p99).toFixed(2)} (at most 2.00)`)
