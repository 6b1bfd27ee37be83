/**
 * What a list of 100 entries costs, in µs of processor time, and how much of it is the statement alone. Aim: at most 150 µs
 * on a file.
 *
 * node bench/context/list.ts [seconds] [memory|file]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openContext } from 'troupe/context'
import { perSecond, processor } from './time-spent.ts'

const [seconds = '2', where = 'file'] = process.argv.slice(2)
const folder = mkdtempSync(join(tmpdir(), 'troupe-list-'))
const mesh = await openContext(where === 'file' ? `sqlite:${join(folder, 'context.db')}` : 'memory:')
const client = mesh.agent('ada', 'A')
for (let i = 0; i < 1_000; i++) await client.push(`entry.${i}`, { text: 'x'.repeat(200) })
const costs: string[] = []
for (const [name, act] of [
  ['list of 100 entries', () => client.list({ limit: 100 })],
  ['keys of 100 entries', () => client.keys({ limit: 100 })],
  ['getEntry', () => client.getEntry('entry.1')],
] as const) {
  await perSecond(8, 300, processor, act)
  costs.push(`${name}: ${(1e6 / (await perSecond(8, Number(seconds) * 1_000, processor, act))).toFixed(0)} µs`)
}
process.stdout.write(`${where}: ${costs.join(', ')}\n`)
await mesh.close()
rmSync(folder, { recursive: true, force: true })
