import { expect, test } from 'vitest'
import { createVirtualClock } from '../../../testing/index.ts'
import { limitReconnections } from './limit-reconnections.ts'

function limited() {
  const clock = createVirtualClock()
  const counts = { reconnections: 0, closes: 0 }
  const limit = limitReconnections(clock, () => void counts.closes++)
  const reconnect = async (pauseMs = 0) => {
    limit.schedule(() => void counts.reconnections++, pauseMs)
    await clock.advance('200ms')
    const early = counts.reconnections
    await clock.advance('2s')
    return counts.reconnections - early
  }
  return { limit, reconnect, counts }
}
const invalid = new SyntaxError('Unexpected token')

test('A stream of an MCP server is reconnected after at least 250 ms, however short a pause the server requests.', async () => {
  const { reconnect, counts } = limited()
  for (let i = 0; i < 10; i++) expect(await reconnect()).toBe(1)
  expect(counts).toEqual({ reconnections: 10, closes: 0 })
})

test('A connection whose streams have invalid messages only is closed after the third.', async () => {
  const { limit, reconnect, counts } = limited()
  for (const isValid of [false, false, true, false, false]) {
    limit.onError(invalid)
    if (isValid) limit.onMessage()
    expect(await reconnect()).toBe(1)
  }
  limit.onError(new Error('SSE stream disconnected'))
  expect(await reconnect()).toBe(1)
  for (const reconnections of [1, 1, 0]) {
    limit.onError(invalid)
    expect(await reconnect()).toBe(reconnections)
  }
  expect(counts.closes).toBe(1)
})
