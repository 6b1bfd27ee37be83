import { expect, test } from 'vitest'
import { createLifecycles } from './lifecycle.ts'

test('The option `context.lifecycles` is an object by name, and a list is rejected.', () => {
  expect(createLifecycles({ brief: { ttl: '1s' } }).named({ lifecycle: 'brief' })).toMatchObject({ ttlMs: 1_000 })
  for (const none of [[], [{ ttl: '1s' }], null, 'session'])
    expect(() => createLifecycles(none as never), JSON.stringify(none)).toThrow(/context.lifecycles .* by name/)
  expect(() => createLifecycles({ '': { ttl: '1s' } })).toThrow(/lifecycle .*empty/)
})
