import { expect, it } from 'vitest'
import { idAt } from '../../../core/index.ts'
import { markOf } from '../../encryption/data-key-statements.ts'
import { leafNumbersDigest, recordDigest, type StoredRecord } from '../audit-record.ts'
import { incidentsMs } from '../schema/audit-tables.ts'
import type { AuditFinding } from './audit-finding.ts'
import { type ExportedRecord, exportedLog, storedRecord, withoutRecord } from './exported-log.test.fixture.ts'
import { ExportedRecords } from './exported-records.ts'
import { RemovalExcuses } from './removal-excuses.ts'

const now = 10 * incidentsMs
const excuse = (operation: string, resource: string) =>
  storedRecord(idAt(now), { user: '', at: now, operation, resource, signature: 'good' })

function judge(
  records: readonly StoredRecord[],
  { goneIds = [] as readonly string[], marks = [] as readonly string[], change = (leaf: ExportedRecord) => leaf } = {},
) {
  const findings: AuditFinding[] = []
  const excuses = new RemovalExcuses((_, signature) => signature === 'good', 0)
  const exported = new ExportedRecords(excuses, new Set(marks), (finding) => findings.push(finding))
  const { leaves } = exportedLog(records)
  const add = () => {
    for (const leaf of leaves) exported.add(goneIds.includes(leaf.id) ? withoutRecord(leaf) : change(leaf))
  }
  const end = () => ({ ...exported.end(), found: findings.map(({ kind, n, problem }) => [kind, n, problem]) })
  return { exported, add, end }
}
function judged(...input: Parameters<typeof judge>) {
  const { add, end } = judge(...input)
  add()
  return end()
}
const old = storedRecord(idAt(5))

it('An audit record that differs from its leaf is reported as changed.', () => {
  const change = (leaf: ExportedRecord) => ({ ...leaf, record: { ...leaf.record, actor: 'Other' } })
  expect(judged([old], { change }).found).toEqual([['changed', 0, `the record ${old.id} was changed`]])
  expect(judged([old]).found).toEqual([])
})
it('An audit record that was removed without an excuse is reported as missing, and an unsigned excuse is named.', () => {
  const goneIds = [old.id]
  expect(judged([old], { goneIds }).found).toEqual([['missing', 0, `the record ${old.id} is gone`]])
  const unsigned = { ...excuse('audit.retire', '~'), signature: null }
  expect(judged([old, unsigned], { goneIds }).found).toEqual([
    ['missing', 0, expect.stringContaining(`${unsigned.id}, which would excuse some, is not signed`)],
  ])
})
it('Records that were retired or whose user was erased may be gone.', () => {
  const goneIds = [old.id]
  expect(judged([old, excuse('audit.retire', '~')], { goneIds })).toMatchObject({ retired: 1, erased: 0, found: [] })
  const erased = [old, excuse('user.forget', markOf('ada'))]
  expect(judged(erased, { goneIds })).toMatchObject({ retired: 0, erased: 1, found: [] })
})
it('An erased user with audit rows is valid only if a later leaf shows the return of the user.', () => {
  const erased = [old, excuse('user.forget', markOf('ada'))]
  const options = { goneIds: [old.id], marks: [markOf('ada')] }
  expect(judged(erased, options).found).toEqual([['missing', 0, expect.stringContaining('and has rows')]])
  expect(judged([...erased, storedRecord(idAt(now + 1))], options)).toMatchObject({ erased: 1, found: [] })
})
it('An audit record without a leaf is reported as waiting, inserted or changed.', () => {
  const { exported, end } = judge([])
  exported.addStray({ record: old, waits: recordDigest(old) })
  exported.addStray({ record: old, waits: null })
  exported.addStray({ record: old, waits: 'other' })
  expect(end()).toMatchObject({
    waiting: 1,
    found: [
      ['inserted', undefined, `the record ${old.id} has no place`],
      ['changed', undefined, `the record ${old.id} was changed`],
    ],
  })
})
it('Pruned leaves must be covered by a signed prune, which names the leaves that stay.', () => {
  const pruned = (size: number, systemLeaves: readonly number[]) => {
    const prune = excuse('audit.prune', `${size} ${idAt(5)} ${leafNumbersDigest(systemLeaves)}`)
    const { exported, add, end } = judge([prune])
    exported.addPruned({ first: 1, level: 1, hash: '' })
    add()
    return end()
  }
  expect(pruned(3, [0])).toMatchObject({ retired: 2, found: [] })
  expect(pruned(2, [0]).found).toEqual([['missing', 1, 'leaves 1 to 2 are gone']])
  expect(pruned(3, [0, 1]).found).toEqual([['missing', 0, expect.stringContaining('leaves of what the troupe did')]])
})
