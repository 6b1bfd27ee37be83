/** The benches of runs with a limit. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, it } from 'vitest'

async function exitCodeOf(...args: readonly string[]): Promise<unknown> {
  const [code] = await once(spawn(process.execPath, ['--no-warnings', ...args], { stdio: 'inherit' }), 'exit')
  return code
}

it.each(['memory', 'file'])(
  'No synchronous section of a large turn, a wide fan-out or an exponential one takes more than 50 ms of processor time, in %s.',
  async (storage) => {
    expect(await exitCodeOf(join(import.meta.dirname, 'longest-section.ts'), storage)).toBe(0)
  },
)

it('A run that waits for a person costs less than 200 bytes of heap.', async () => {
  expect(await exitCodeOf('--expose-gc', join(import.meta.dirname, 'waiting.ts'), 'file', '3000')).toBe(0)
})
