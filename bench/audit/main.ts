/**
 * What the audit log adds: a push, a get and a message with and without it, in turns in one run. The
 * least of the rounds counts, for the machine is shared.
 *
 * node bench/audit/main.ts [operations]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createTroupe, defineMessage } from 'troupe'

const count = Number(process.argv[2] ?? 4_000)
const folder = mkdtempSync(join(resolve('.'), '.bench-audit-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
const rounds = 4
const Note = defineMessage('note')

/** @returns µs of the processor per operation, the writer's thread included, 50 under way at a time */
async function cost(run: (i: number) => Promise<unknown>): Promise<number> {
  const begin = process.cpuUsage()
  for (let i = 0; i < count; i += 50) await Promise.all(Array.from({ length: 50 }, (_, j) => run(i + j)))
  const { user, system } = process.cpuUsage(begin)
  return (user + system) / count
}

for (const scheme of ['memory:', 'sqlite:']) {
  const open = async (name: string, audit: { writes: boolean; reads: boolean }) => {
    const storage = scheme === 'memory:' ? scheme : `sqlite:${join(folder, `${name}.db`)}`
    const messaging = { capacity: { count: 1_000_000 } }
    const troupe = await createTroupe({ storage, audit, messaging, log: 'silent' })
    const handle = troupe.user('ada').agent('Bench')
    return { troupe, handle, push: [] as number[], get: [] as number[], send: [] as number[] }
  }
  const sides = [
    await open('without', { writes: false, reads: false }),
    await open('writes', { writes: true, reads: false }),
    await open('reads', { writes: true, reads: true }),
  ] as const
  for (let round = 0; round < rounds; round++)
    for (const { handle, push, get, send } of sides) {
      push.push(await cost((i) => handle.context.push(`key.${i}`, { i })))
      get.push(await cost((i) => handle.context.get(`key.${i}`)))
      send.push(await cost((i) => handle.messages.send(Note, { i }, { to: `Agent ${i % 10}` })))
    }
  for (const what of ['push', 'get', 'send'] as const) {
    const [without = 0, writes = 0, reads = 0] = sides.map((side) => Math.min(...side[what]))
    const of = (micros: number) => `${micros.toFixed(1)} µs (${(micros / without).toFixed(2)})`
    const line = `without ${without.toFixed(1)} µs  writes ${of(writes)}  writes and reads ${of(reads)}`
    process.stdout.write(`${scheme.padEnd(8)} ${what.padEnd(5)} ${line}\n`)
  }
  for (const { troupe } of sides) await troupe.close()
}
