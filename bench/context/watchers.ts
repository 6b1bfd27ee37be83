/**
 * What the delivery of one change to many watchers costs, in ms of processor time of all threads until the last watcher has
 * it. Aim: at most 5 ms for 1,000 watchers of ten agents.
 *
 * node bench/context/watchers.ts [watchers] [agents] [changes] [memory|file]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openContext } from 'troupe/context'
import { processor } from './time-spent.ts'

const [watchers = 1_000, agents = 10, changes = 50] = process.argv.slice(2, 5).map(Number)
const folder = mkdtempSync(join(tmpdir(), 'troupe-watchers-'))
const url = process.argv[5] === 'file' ? `sqlite:${join(folder, 'context.db')}` : 'memory:'
const mesh = await openContext(url)
const writer = mesh.agent('ada', 'Writer')
let left = 0
let allSeen = () => {}
const stop = new AbortController()
const watches = Array.from({ length: watchers }, async (_, i) => {
  const client = mesh.agent('ada', `Reader${i % agents}`)
  for await (const item of client.watch({ signal: stop.signal })) if (item.type === 'put' && --left === 0) allSeen()
})
const spent: number[] = []
for (let i = 0; i < changes; i++) {
  left = watchers
  const seen = new Promise<void>((resolve) => {
    allSeen = resolve
  })
  const before = processor()
  await writer.push('key', { n: i, text: 'x'.repeat(200) })
  await seen
  spent.push(processor() - before)
}
const [median = 0] = spent.toSorted((a, b) => a - b).slice(changes >> 1)
process.stdout.write(
  `one change to ${watchers} watchers of ${agents} agents: ${median.toFixed(1)} ms, ${((median * 1_000) / watchers).toFixed(1)} µs each\n`,
)
stop.abort()
await Promise.all(watches)
await mesh.close()
rmSync(folder, { recursive: true, force: true })
