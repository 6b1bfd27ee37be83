import { expect, it } from 'vitest'
import { createIds, createVirtualClock, hashText, seededRandom } from '../../core/index.ts'
import { sqliteDialect } from '../../storage/index.ts'
import { createRoles } from '../roles.ts'
import { keyStatements } from './api-key-statements.ts'
import { KeyIssuer, type KeyScope } from './key-issuer.ts'

const random = seededRandom('issuer')
const ids = createIds(createVirtualClock(), random)
const issuer = new KeyIssuer({ ids, random, roles: createRoles() }, keyStatements(sqliteDialect))
const insertion = (scope: KeyScope) =>
  issuer.insertion(issuer.create('key'), { name: 'n', scope, validForMs: undefined })

it('A key names its kind and id, and only the hash of its secret is stored.', () => {
  const link = issuer.create('link')
  const [, id, secret] = /^tl_([0-9a-z]{26})_([\w-]{43})$/.exec(link.key) ?? []
  expect([id, hashText(secret ?? '')]).toEqual([link.id, link.hash])
  const stored = JSON.stringify(issuer.insertion(link, { name: 'n', scope: { users: 'all' }, validForMs: 1 }))
  expect([stored.includes(link.hash), stored.includes(secret ?? '')]).toEqual([true, false])
})
it('The users of a key are granted one by one, each once.', () => {
  expect(insertion({ users: 'all' })).toHaveLength(1)
  expect(insertion({ users: ['ada', 'bob', 'ada'] })).toHaveLength(3)
})
it.each([
  [{ users: [] }],
  [{ users: ['ada'], role: 'unknown' }],
  [{ users: ['ada'], operations: ['nothing.at.all'] }],
  [{ users: ['ada'], agent: '' }],
])('A scope that means nothing is rejected: %o.', (scope) => {
  expect(() => insertion(scope as never)).toThrow(expect.objectContaining({ name: 'ValidationError' }))
})
