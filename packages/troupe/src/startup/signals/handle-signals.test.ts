import { expect, it } from 'vitest'
import { partsOf } from '../troupe.ts'
import { troupesOfTests } from '../troupe-testbed.test.fixture.ts'
import { handleSignals } from './handle-signals.ts'

const { opened } = troupesOfTests()

it('handleSignals rejects invalid options before a signal arrives.', async () => {
  const troupe = await opened()
  const before = process.listenerCount('SIGTERM')
  for (const options of [{ timeout: '5 seconds' }, { timeout: '1ms' }, { exit: 1 }, { closing: [5] }])
    expect(() => handleSignals(troupe, options as never)).toThrow(expect.objectContaining({ name: 'ValidationError' }))
  expect(process.listenerCount('SIGTERM')).toBe(before)
})

it('The handlers of signals can be removed before the troupe closes, and leave nothing behind.', async () => {
  const troupe = await opened()
  const before = process.listenerCount('SIGTERM')
  handleSignals(troupe)()
  expect(process.listenerCount('SIGTERM')).toBe(before)
  expect(troupe[partsOf].work.cleanups.size).toBe(0)
})
