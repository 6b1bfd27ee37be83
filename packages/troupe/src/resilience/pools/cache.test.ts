import { expect, it } from 'vitest'
import { createVirtualClock } from '../../core/index.ts'
import { Cache } from './cache.ts'

it('A cache ends the wait of a caller that aborts, and not the call that it waits for.', {
  timeout: 20_000,
}, async () => {
  const cache = new Cache({ clock: createVirtualClock() })
  const released = Promise.withResolvers<string>()
  const first = cache.execute(() => released.promise, { key: 'a' })
  const controller = new AbortController()
  const second = cache.execute(() => 'own', { key: 'a', signal: controller.signal })
  controller.abort()
  await expect(second).rejects.toMatchObject({ code: 'cancelled' })
  released.resolve('shared')
  expect(await first).toBe('shared')
  expect(await cache.execute(() => 'own', { key: 'a' })).toBe('shared')
})
