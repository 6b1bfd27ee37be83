import { expect, it } from 'vitest'
import { partsIn } from './parts-in.ts'
import type { Troupe } from './troupe.ts'

it.each([
  ['a promise', Promise.resolve(), /it is a promise of the result of createTroupe\(\): await it/],
  [
    'the troupe of another copy of the library',
    { user() {}, drain() {} },
    /another copy of the library.*serverExternalPackages/,
  ],
  ['another object', {}, /it must be the result of createTroupe\(\)/],
  ['nothing', undefined, /it must be the result of createTroupe\(\)/],
])('partsIn says what to do if it gets %s.', (_, value, message) => {
  expect(() => partsIn(value as unknown as Troupe)).toThrow(message)
})
