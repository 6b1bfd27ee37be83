import { expect, test } from 'vitest'
import { type Caller, expressionSource } from './callers.ts'

test('The source of an expression is the key of the caller, with all sessions and users of the key, or the user without a key.', () => {
  const of = (user: string, caller: Pick<Caller, 'kind' | 'id' | 'openedBy'>) => expressionSource(caller, user)
  expect(of('ada', { kind: 'key', id: 'k1' })).toBe('key k1')
  expect(of('bob', { kind: 'key', id: 'k1' })).toBe('key k1')
  expect(of('bob', { kind: 'session', id: 's1', openedBy: 'k1' })).toBe('key k1')
  expect(of('bob', { kind: 'local', id: 'local' })).toBe('user bob')
})
