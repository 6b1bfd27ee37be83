/**
 * What encryption at rest costs: push and get of the same entries, plain and sealed, in turns in one run.
 *
 * node bench/encryption/main.ts [entries]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createTroupe } from 'troupe'

const count = Number(process.argv[2] ?? 5_000)
const folder = mkdtempSync(join(resolve('.'), '.bench-encryption-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
const encryption = { keys: [{ id: 'bench', key: new Uint8Array(32).fill(1) }] }
const rounds = 4

/** @returns operations per second */
async function rate(run: (i: number) => Promise<unknown>): Promise<number> {
  const begin = process.hrtime.bigint()
  for (let i = 0; i < count; i += 50) await Promise.all(Array.from({ length: 50 }, (_, j) => run(i + j)))
  return count / (Number(process.hrtime.bigint() - begin) / 1e9)
}
const best = (rates: readonly number[]) => Math.max(...rates)

for (const bytes of [100, 4_000])
  for (const scheme of ['memory:', 'sqlite:']) {
    const urlOf = (name: string) => (scheme === 'memory:' ? scheme : `sqlite:${join(folder, `${name}-${bytes}.db`)}`)
    const open = async (name: string, more: object) => {
      const troupe = await createTroupe({ storage: urlOf(name), log: 'silent', ...more })
      return { troupe, client: troupe.user('ada').agent('Bench').context, push: [] as number[], get: [] as number[] }
    }
    const both = [await open('plain', {}), await open('encrypted', { encryption })] as const
    const value = { text: 'x'.repeat(bytes) }
    for (let round = 0; round < rounds; round++)
      for (const { client, push, get } of both) {
        push.push(await rate((i) => client.push(`key.${i}`, value)))
        get.push(await rate((i) => client.get(`key.${i}`)))
      }
    const [plain, encrypted] = both
    for (const what of ['push', 'get'] as const) {
      const [a, b] = [best(plain[what]), best(encrypted[what])]
      const line = `plain ${a.toFixed(0)}/s  sealed ${b.toFixed(0)}/s  ratio ${(b / a).toFixed(2)}`
      process.stdout.write(`${scheme.padEnd(8)} ${String(bytes).padStart(5)} bytes  ${what.padEnd(4)}  ${line}\n`)
    }
    for (const { troupe } of both) await troupe.close()
  }
