import { expect, test } from 'vitest'
import { createLifecycles } from './lifecycle.ts'

test('lifecycles are an object by name: a list, however empty, is refused', () => {
  expect(createLifecycles({ brief: { ttl: '1s' } }).named({ lifecycle: 'brief' })).toMatchObject({ ttlMs: 1_000 })
  for (const none of [[], [{ ttl: '1s' }], null, 'session'])
    expect(() => createLifecycles(none as never), JSON.stringify(none)).toThrow(/context.lifecycles .* by name/)
})
