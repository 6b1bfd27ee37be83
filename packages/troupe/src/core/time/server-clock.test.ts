import { expect, it } from 'vitest'
import { createServerClock } from './server-clock.ts'
import { createVirtualClock } from './virtual-clock.ts'

it.each([
  ['ahead', 600_000, 600_000],
  ['behind', -600_000, -599_979],
  ['up to 20 ms behind, which its answer does not prove', -15, 0],
  ['right', 0, 0],
])('A clock that follows a server is corrected while the server is %s.', async (_, difference, corrected) => {
  const base = createVirtualClock()
  const clock = createServerClock(base)
  for (let i = 0; i < 3; i++) {
    const asked = clock.now()
    await base.advance('20ms')
    clock.follow(base.now() + difference, asked, clock.now())
    expect(clock.now() - base.now()).toBe(corrected)
  }
})

it('A clock that follows a server measures durations and sets timers by its own clock.', async () => {
  const base = createVirtualClock()
  const clock = createServerClock(base)
  const [began, fired] = [clock.monotonic(), Promise.withResolvers<void>()]
  clock.after(1_000, fired.resolve)
  clock.follow(clock.now() + 3_600_000, clock.now(), clock.now())
  await base.advance('1s')
  await fired.promise
  expect(clock.monotonic() - began).toBe(1_000)
})
