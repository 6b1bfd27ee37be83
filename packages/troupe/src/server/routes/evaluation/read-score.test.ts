import { expect, test } from 'vitest'
import type { RequestPrincipal } from '../../access/request-principal.ts'
import { schemaSourceOf } from './read-score.ts'

test('A score has its key as the source of its schema, with all sessions and users of the key, and the user without a key.', () => {
  const of = (user: string, principal: Partial<RequestPrincipal>) =>
    schemaSourceOf({ user, principal: principal as RequestPrincipal })
  expect(of('ada', { kind: 'key', id: 'k1' })).toBe('key k1')
  expect(of('bob', { kind: 'key', id: 'k1' })).toBe('key k1')
  expect(of('bob', { kind: 'session', id: 's1', openedBy: 'k1' })).toBe('key k1')
  expect(of('bob', { kind: 'local', id: 'local' })).toBe('user bob')
})
