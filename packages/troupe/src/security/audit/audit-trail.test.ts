import { expect, it } from 'vitest'
import { checkAuditEntry } from './audit-trail.ts'

const entry = { actor: 'host', operation: 'import', allowed: true }

it('An audit record of a call without an API key has null as its key.', () => {
  expect(() => checkAuditEntry({ ...entry, key: null })).not.toThrow()
  expect(() => checkAuditEntry({ ...entry, key: 5 as never })).toThrow(/key .*a text or null/)
  expect(() => checkAuditEntry({ ...entry, resource: null as never })).toThrow(/resource .*a text/)
})
