/** The clock of the server, from the times of its answers. */
import { describe, expect, test } from 'vitest'
import { ServerClock } from '../src/api/server-clock.ts'

const hourMs = 3_600_000

describe('The clock of the server', () => {
  test('The clock is that of the browser until an answer shows that the browser is off by more than the answer can tell.', () => {
    const clock = new ServerClock()
    const now = Date.now()
    const date = new Date(now).toUTCString()
    clock.adjust(date, now - 200, now + 200)
    clock.adjust(null, now, now)
    expect(Math.abs(clock.now() - Date.now())).toBeLessThan(100)
    clock.adjust(date, now + 2 * hourMs, now + 2 * hourMs)
    expect(Math.abs(clock.now() + 2 * hourMs - Date.now())).toBeLessThan(2_000)
  })

  test('The clock does not follow an answer that took longer than the difference.', () => {
    const clock = new ServerClock()
    const now = Date.now()
    clock.adjust(new Date(now).toUTCString(), now, now + 60_000)
    expect(Math.abs(clock.now() - Date.now())).toBeLessThan(100)
  })
})
