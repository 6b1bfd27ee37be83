/** The benches of runs with a limit. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { Client } from 'pg'
import { expect, it } from 'vitest'

async function exitCodeOf(...args: readonly string[]): Promise<unknown> {
  const [code] = await once(spawn(process.execPath, ['--no-warnings', ...args], { stdio: 'inherit' }), 'exit')
  return code
}

/** The cases of the title; `node bench/runs/longest-section.ts file` or `memory` measures all. */
const cases = [
  'two agents that invoke each other eight-fold, default budget',
  'a fan-out of 2,000',
  'a turn of 100,000 messages',
  'a turn of 5,000 entries',
]

it.each([
  ['a file', 'file'],
  ['memory', 'memory'],
] as const)(
  'No synchronous section of a large turn, a wide fan-out or an exponential one takes more than 50 ms of processor time, in %s.',
  async (_, storage) => {
    expect(await exitCodeOf(join(import.meta.dirname, 'longest-section.ts'), storage, ...cases)).toBe(0)
  },
)

/** The same server as in the tests of the package; undefined where there is none. */
async function postgres(): Promise<string | undefined> {
  const url = process.env.TROUPE_TEST_POSTGRES ?? 'postgres://postgres@127.0.0.1:5432/postgres'
  const client = new Client({ connectionString: url })
  try {
    await client.connect()
    await client.end()
    return url
  } catch {
    return undefined
  }
}

it('A run that waits for a person costs less than 200 bytes of heap, in memory, on a file and on PostgreSQL.', async () => {
  const storages = ['memory', 'file', await postgres()].filter((storage) => storage !== undefined)
  const codes = storages.map((storage) =>
    exitCodeOf('--expose-gc', join(import.meta.dirname, 'waiting.ts'), storage, '3000'),
  )
  expect(await Promise.all(codes)).toEqual(storages.map(() => 0))
})
