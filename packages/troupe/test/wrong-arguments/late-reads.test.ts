/** Every export captures its arguments at the call. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, it } from 'vitest'

export interface LateReads {
  readonly calls: number
  readonly found: readonly string[]
}

it('Every function, constructor and method of every entry point reads the fields of its arguments before it returns.', {
  timeout: 180_000,
}, async () => {
  const child = fork(join(import.meta.dirname, 'late-reads-child.ts'), [], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  const [{ calls, found }] = (await once(child, 'message')) as [LateReads]
  expect(found).toEqual([])
  expect(calls).toBeGreaterThan(700)
})
