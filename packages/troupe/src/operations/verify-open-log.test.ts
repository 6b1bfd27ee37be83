import { copyFileSync, rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { auditedTroupes } from '../../test/postgres/audited-troupes.ts'
import { systemClock } from '../core/index.ts'

const { key, file, lines, opened } = await auditedTroupes('verify_open_log')
const idAt = (db: DatabaseSync, n: number) =>
  String(db.prepare('select id from security_audit_leaves where n = ?').get(n)?.id)

describe('audit.verify', () => {
  it('audit.verify of an open troupe names a record that was changed in the database, and one that was removed.', async () => {
    const troupe = await opened({ storage: `sqlite:${file()}`, audit: { checkpoints: { key, to: lines() } } })
    for (let i = 0; i < 20; i++) await troupe.user('ada').context.push(`k${i}`, i)
    await troupe.audit.checkpoint()
    const { size, ...sound } = await troupe.audit.verify()
    expect(sound).toMatchObject({ ok: true, covered: size, checkpoints: 1, findings: [] })
    const db = new DatabaseSync(file())
    db.prepare("update security_audit set actor = 'Somebody' where id = ?").run(idAt(db, 7))
    db.prepare('delete from security_audit where id = ?').run(idAt(db, 12))
    db.close()
    // Reads of one macrotask share a snapshot.
    await setImmediate()
    expect(await troupe.audit.verify()).toMatchObject({
      ok: false,
      size,
      findings: [
        { kind: 'changed', n: 7, record: { actor: 'Somebody' } },
        { kind: 'missing', n: 12 },
      ],
    })
    await expect(troupe.audit.verify({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'cancelled' })
  })

  it('audit.verify of an open troupe names the end that a rollback removed, by the checkpoints of the file.', async () => {
    const session = async (count: number) => {
      const troupe = await opened({ storage: `sqlite:${file()}`, audit: { checkpoints: { key, to: lines() } } })
      for (let i = 0; i < count; i++) await troupe.user('ada').context.push(`k${i}`, i)
      const report = await troupe.audit.verify()
      await troupe.close()
      return report
    }
    await session(3)
    copyFileSync(file(), `${file()}.old`)
    await session(5)
    for (const suffix of ['-wal', '-shm']) rmSync(`${file()}${suffix}`, { force: true })
    copyFileSync(`${file()}.old`, file())
    const report = await session(0)
    expect(report).toMatchObject({ ok: false, findings: [{ kind: 'truncated', n: report.size }] })
  })

  it('audit.verify of an open troupe without checkpoints accepts what retention deleted, and still finds a changed record.', async () => {
    let hours = -3
    const clock = { ...systemClock, now: () => systemClock.now() + hours * 3_600_000 }
    const troupe = await opened({ storage: `sqlite:${file()}`, clock, audit: { retention: '1h' } })
    await troupe.user('ada').context.push('k', 1)
    hours = 0
    await troupe.user('ada').context.push('later', 1)
    expect(await troupe.audit.retireRecords()).toBe(1)
    expect(await troupe.audit.verify()).toMatchObject({ ok: false, checkpoints: 0, retired: 1, findings: [] })
    const db = new DatabaseSync(file())
    db.exec("update security_audit set actor = 'Somebody'")
    db.close()
    // Reads of one macrotask share a snapshot.
    await setImmediate()
    expect((await troupe.audit.verify()).findings).toMatchObject([{ kind: 'changed' }])
  })
})
