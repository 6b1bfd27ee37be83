import { expect, it } from 'vitest'
import { checkAuditEntry } from './audit-trail.ts'

const entry = { actor: 'host', operation: 'import', allowed: true }

it('An audit record of a call without an API key has null as its key.', () => {
  expect(() => checkAuditEntry({ ...entry, key: null })).not.toThrow()
  expect(() => checkAuditEntry({ ...entry, key: 5 as never })).toThrow(/key .*a text or null/)
  expect(() => checkAuditEntry({ ...entry, resource: null as never })).toThrow(/resource .*a text/)
})

it('A text of an audit record has at most 4,096 characters.', () => {
  for (const name of ['user', 'actor', 'operation', 'resource', 'entry', 'key', 'reason'] as const) {
    expect(() => checkAuditEntry({ ...entry, [name]: 'x'.repeat(4_096) })).not.toThrow()
    expect(() => checkAuditEntry({ ...entry, [name]: 'x'.repeat(4_097) })).toThrow(`audit.record ${name}`)
  }
})
