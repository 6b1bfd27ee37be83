/** The benches of runs with a limit, at a smaller size. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, it } from 'vitest'

async function exitCodeOf(...args: readonly string[]): Promise<unknown> {
  const [code] = await once(spawn(process.execPath, ['--no-warnings', ...args], { stdio: 'inherit' }), 'exit')
  return code
}

it.each(['a turn of 1,000 messages', 'a fan-out of 2,000'])(
  'No synchronous section of %s takes more than 50 ms of processor time.',
  async (selected) => {
    expect(await exitCodeOf(join(import.meta.dirname, 'longest-section.ts'), 'memory', selected)).toBe(0)
  },
)

it('A run that waits for a person costs less than 200 bytes of heap.', async () => {
  expect(await exitCodeOf('--expose-gc', join(import.meta.dirname, 'waiting.ts'), 'file', '3000')).toBe(0)
})
