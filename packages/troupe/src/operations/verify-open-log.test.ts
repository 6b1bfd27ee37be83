import { generateKeyPairSync } from 'node:crypto'
import { copyFileSync, rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { auditedTroupes } from '../../test/postgres/audited-troupes.ts'
import { systemClock } from '../core/index.ts'

const { key, publicKey, file, lines, opened } = await auditedTroupes('verify_open_log')
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

  it('audit.verify accepts an erasure and checkpoints of a retired key, but no later ones.', async () => {
    const next = { id: 'audit-2', ...generateKeyPairSync('ed25519') }
    const at = (checkpoints: object) =>
      opened({ storage: `sqlite:${file()}`, audit: { checkpoints: { to: lines(), ...checkpoints } } } as never)
    const present = { key: { id: next.id, privateKey: next.privateKey } }
    const before = await at({ key })
    for (const user of ['ada', 'bob']) await before.user(user).context.push('k', 1)
    await before.audit.checkpoint()
    await before.forget('ada')
    await before.close()
    const forgetful = await at(present)
    await forgetful.user('bob').context.push('k', 2)
    await forgetful.audit.checkpoint()
    // Without the old key, the erasure that it signed explains nothing.
    expect(await forgetful.audit.verify()).toMatchObject({ ok: false, findings: [{ kind: 'missing' }] })
    await forgetful.close()
    const after = await at({ ...present, retired: [publicKey] })
    const sound = await after.audit.verify()
    expect(sound).toMatchObject({ ok: true, findings: [] })
    expect(sound.erased).toBeGreaterThan(0)
    expect(sound.checkpoints).toBeGreaterThan(1)
    await after.close()
    // An attacker has the old key, and erases a user with it now.
    const attacker = await at({ key, to: () => {} })
    await attacker.forget('bob')
    await attacker.close()
    const attacked = await at({ ...present, retired: [publicKey] })
    const report = await attacked.audit.verify()
    await attacked.close()
    expect(report).toMatchObject({
      ok: false,
      findings: [{ kind: 'missing' }, { kind: 'missing' }],
    })
    for (const retired of ['key', ['no key'], [1]])
      await expect(at({ ...present, retired })).rejects.toMatchObject({ code: 'validation.failed' })
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
