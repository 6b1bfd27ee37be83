import { expect, it } from 'vitest'
import { SessionStream } from './session-stream.ts'

it('A stream of a session gives two iterators each of 20,000 parts that arrive one by one.', async () => {
  const parts = 20_000
  const stream = new SessionStream(async (live) => {
    for (let i = 0; i < parts; i++) {
      live({ type: 'text-delta', delta: 'x' })
      // The iterators wait again.
      for (let turns = 0; turns < 6; turns++) await undefined
    }
    return 'done'
  })
  const count = async () => {
    let counted = 0
    for await (const { type } of stream) if (type === 'text-delta') counted++
    return counted
  }
  expect(await Promise.all([count(), count()])).toEqual([parts, parts])
  expect(await stream.result).toBe('done')
})
