import { expect, it } from 'vitest'
import { createIds, createVirtualClock, seededRandom } from '../../core/index.ts'
import { sqliteDialect } from '../../storage/index.ts'
import { auditStatements } from './audit-statements.ts'
import { AuditedCalls } from './audited-calls.ts'
import { RecordMaker } from './record-maker.ts'

function open(hashed = false) {
  const random = seededRandom('records')
  const clock = createVirtualClock()
  const checkpoints = { signExcuse: ({ operation }: { readonly operation: string }) => `signed ${operation}` }
  const parts = { clock, random, ids: createIds(clock, random), settings: { hashed }, secret: Buffer.from('secret') }
  return new RecordMaker({ ...parts, checkpoints }, new AuditedCalls(), auditStatements(sqliteDialect))
}
const entry = { actor: 'A', operation: 'push_context', entry: 'orders.17' }

it('Each audit record has a nonce of its own, even if the random generator repeats a value.', () => {
  const records = open()
  const nonces = Array.from({ length: 200 }, () => records.make('ada', entry).nonce)
  expect(new Set(nonces).size).toBe(200)
  expect(nonces.every((nonce) => Buffer.from(nonce, 'base64url').length === 16)).toBe(true)
})
it('Only records of the troupe that excuse others are signed.', () => {
  const records = open()
  const excuse = { actor: 'troupe', operation: 'audit.retire', resource: 'x' }
  expect(records.make('', excuse).signature).toBe('signed audit.retire')
  expect(records.make('ada', excuse).signature).toBeNull()
  expect(records.make('', entry).signature).toBeNull()
})
it('The key of an entry is hashed if the log is configured so.', () => {
  expect(open().make('ada', entry).resource).toBe('orders.17')
  const hashed = open(true)
  expect(hashed.make('ada', entry).resource).toMatch(/^#[\w-]{22}$/)
  expect(hashed.make('ada', entry).resource).toBe(hashed.named('orders.17'))
})
it('A rejected action has its reason.', () => {
  expect(open().make('ada', entry, false, 'access.denied')).toMatchObject({ allowed: 0, reason: 'access.denied' })
  expect(open().make('ada', entry)).toMatchObject({ allowed: 1, reason: null })
})
