import { expect, it } from 'vitest'
import { idAt } from '../../../core/index.ts'
import { incidentsMs, leastRetentionMs } from '../schema/audit-tables.ts'
import { storedRecord } from './exported-log.test.fixture.ts'
import { RemovalExcuses } from './removal-excuses.ts'

const now = 10 * incidentsMs
const signed = { user: '', at: now, signature: 'good' }
const excuses = (retentionMs = 0) => new RemovalExcuses((_, signature) => signature === 'good', retentionMs)

it('A signed record of an erasure excuses the leaves of that user before it.', () => {
  const it = excuses()
  it.add(7, storedRecord('x', { ...signed, operation: 'user.forget', resource: 'mark' }))
  expect([it.erasedAt('mark'), it.erasedAt('other'), it.erasedAt('')]).toEqual([7, -1, -1])
})
it('An audit record without a valid signature excuses no removal, and the first one is named.', () => {
  const it = excuses()
  for (const id of ['x', 'y'])
    it.add(7, storedRecord(id, { ...signed, operation: 'user.forget', resource: 'mark', signature: 'bad' }))
  expect([it.erasedAt('mark'), it.firstUnsigned]).toEqual([-1, 'x'])
})
it('An audit record of a user excuses no removal, whatever operation it names.', () => {
  const it = excuses()
  it.add(7, storedRecord('x', { ...signed, user: 'eve', operation: 'user.forget', resource: 'mark' }))
  expect([it.erasedAt('mark'), it.firstUnsigned]).toEqual([-1, undefined])
})
it('A retirement reaches no further than the shortest retention.', () => {
  const retiredBefore = (resource: string, retentionMs?: number) => {
    const it = excuses(retentionMs)
    it.add(1, storedRecord('x', { ...signed, operation: 'audit.retire', resource }))
    return it.retiredBefore
  }
  expect(retiredBefore(idAt(5))).toBe(idAt(5))
  expect(retiredBefore('~')).toBe(idAt(now - leastRetentionMs))
  expect(retiredBefore('~', 2 * leastRetentionMs)).toBe(idAt(now - 2 * leastRetentionMs))
})
it('The prune that reaches farthest holds, unless it reaches records that are too young.', () => {
  const it = excuses()
  const prunes = [`4 ${idAt(5)} d4`, `8 ${idAt(5)} d8`, `2 ${idAt(5)} d2`, `16 ${idAt(now)} d16`]
  for (const [n, resource] of prunes.entries())
    it.add(n, storedRecord('x', { ...signed, operation: 'audit.prune', resource }))
  expect(it.prune).toEqual({ size: 8, before: idAt(5), systemLeaves: 'd8' })
})
