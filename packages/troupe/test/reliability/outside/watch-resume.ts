/** Watchers that end after any item and resume behind it, over restarts: each change is seen once, in order. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Troupe } from '../../../src/index.ts'
import { troupe as library } from '../troupe-under-test.ts'
import type { Program } from './program.ts'

/** Entries of one atomic batch, or of one step: items of one revision. */
const perRevision = 3

interface Seen {
  readonly key: string
  readonly position: string
}

async function writeRounds(troupe: Troupe, rounds: number): Promise<void> {
  const ada = troupe.user('ada')
  for (let round = 0; round < rounds; round++) {
    const keys = Array.from({ length: perRevision }, (_, i) => `k${round}.${i}`)
    if (round % 2 === 0) {
      const operations = keys.map((key) => ({ type: 'push' as const, key, value: round }))
      await ada.context.batch(operations, { atomic: true })
    } else await ada.orchestra.run({ agent: 'Writer', task: keys })
  }
}

/** Follows until so many items were seen, and leaves. */
async function take(troupe: Troupe, from: string | number, count: number): Promise<readonly Seen[]> {
  const seen: Seen[] = []
  const signal = AbortSignal.timeout(5_000)
  for await (const item of troupe.user('ada').context.watch({ pattern: 'k*', from, signal })) {
    if (item.type !== 'put') throw new Error(`an item of type ${item.type}`)
    seen.push({ key: item.key, position: item.position })
    if (seen.length >= count) break
  }
  return seen
}

async function watchInParts(storage: string, rounds: number): Promise<readonly string[]> {
  const Writer = library.defineAgent({
    name: 'Writer',
    run: async (keys, { context }) => {
      for (const key of keys as readonly string[]) await context.push(key, 1, { audience: 'everyone' })
      return 'written'
    },
  })
  const open = () => library.createTroupe({ storage, log: 'silent', agents: [Writer] } as never)
  const total = rounds * perRevision
  const keys: string[] = []
  let troupe = await open()
  try {
    await writeRounds(troupe, rounds)
    for (let from: string | number = 0, part = 1; keys.length < total; part++) {
      const seen = await take(troupe, from, Math.min(1 + (part % 5), total - keys.length))
      if (seen.length === 0) break
      keys.push(...seen.map(({ key }) => key))
      from = seen.at(-1)?.position ?? from
      if (part % 4 === 0 && storage !== 'memory:') {
        await troupe.close()
        troupe = await open()
      }
    }
  } finally {
    await troupe.close()
  }
  const expected = Array.from({ length: total }, (_, n) => `k${Math.floor(n / perRevision)}.${n % perRevision}`)
  return JSON.stringify(keys) === JSON.stringify(expected)
    ? []
    : [`${storage}: ${keys.length} of ${total} items, or in another order: ${keys.slice(0, 12).join(' ')} …`]
}

export const program: Program = {
  name: 'watch-resume',
  promise: 'A watch that resumes after the position of any item misses nothing and repeats nothing.',
  async run({ scale, report }) {
    const folder = mkdtempSync(join(tmpdir(), 'troupe-watch-'))
    try {
      const rounds = 5 * scale
      const problems = [
        ...(await watchInParts('memory:', rounds)),
        ...(await watchInParts(`sqlite:${join(folder, 'troupe.db')}`, rounds)),
      ]
      report(`${2 * rounds} revisions of ${perRevision} entries`)
      return problems
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
}
