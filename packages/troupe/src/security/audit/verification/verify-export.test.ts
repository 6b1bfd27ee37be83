import { expect, it } from 'vitest'
import { recordDigest } from '../audit-record.ts'
import { exportedLog, storedRecord } from './exported-log.test.fixture.ts'
import { FirstFindings, maxFindings } from './first-findings.ts'
import { verifyExport } from './verify-export.ts'

const head = JSON.stringify({ troupe: 'audit', version: 1, size: 1 })

it('An audit log in which every leaf was changed is verified in a time that grows with its length, with 100 findings.', async () => {
  const [leaf] = exportedLog([storedRecord('a')]).leaves
  function* lines() {
    yield head
    for (let n = 0; n < 50_000; n++) yield JSON.stringify({ ...leaf, n, hash: 'other' })
  }
  const { ok, findings } = await verifyExport({ lines: lines() })
  expect(ok).toBe(false)
  expect(findings.map(({ kind, n }) => [kind, n])).toEqual(
    Array.from({ length: maxFindings }, (_, n) => ['changed', n]),
  )
})

it('A field that was added to a line of an exported audit log, or to its record, is found.', async () => {
  const [leaf] = exportedLog([storedRecord('a')]).leaves
  const verify = (...lines: readonly unknown[]) => verifyExport({ lines: lines.map((line) => JSON.stringify(line)) })
  expect((await verify(JSON.parse(head), leaf)).findings).toEqual([])
  const changed = { ...leaf, record: { ...leaf?.record, comment: 'approved' } }
  expect((await verify(JSON.parse(head), changed)).findings).toMatchObject([{ kind: 'changed', n: 0 }])
  const stray = { record: { ...storedRecord('b'), comment: 'approved' }, waits: recordDigest(storedRecord('b')) }
  expect((await verify(JSON.parse(head), leaf, stray)).findings).toMatchObject([{ kind: 'changed' }])
  await expect(verify(JSON.parse(head), { ...leaf, comment: 'approved' })).rejects.toThrow(/Line 2 .* not of an export/)
  await expect(verify({ ...JSON.parse(head), comment: 'approved' }, leaf)).rejects.toThrow(/Line 1 .* not of an export/)
})

it('The findings of an audit log that are retained are the first ones of the log, in whichever order they are reported.', () => {
  const findings = new FirstFindings()
  expect(findings.isEmpty).toBe(true)
  findings.add({ kind: 'checkpoint', problem: 'no index' })
  for (let n = 999; n >= 0; n--) findings.add({ kind: 'changed', n, problem: '' })
  expect(findings.list().map(({ n }) => n)).toEqual(Array.from({ length: maxFindings }, (_, n) => n))
  expect(findings.isEmpty).toBe(false)
})
