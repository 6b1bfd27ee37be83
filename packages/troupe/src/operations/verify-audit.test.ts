import { generateKeyPairSync } from 'node:crypto'
import { copyFileSync, existsSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { auditedTroupes } from '../../test/postgres/audited-troupes.ts'
import { server, withClient } from '../../test/postgres/postgres-server.ts'
import { createVirtualClock, systemClock } from '../core/index.ts'
import { type AuditReport, type Checkpoint, verifyAudit } from '../operations.ts'
import { leafHash, MerkleTree, recordDigest } from '../security/index.ts'

const { missing, schema, publicKey, key, folder, file, lines, opened } = await auditedTroupes('verify_audit')
/** A log of 20 leaves in a file, signed after 10 and at its end, then changed past Troupe. */
async function tampered(change: (db: DatabaseSync) => void): Promise<AuditReport> {
  const audit = { checkpoints: { key, to: lines() } }
  const troupe = await opened({ storage: `sqlite:${file()}`, audit })
  const client = troupe.user('ada').agent('A').context
  for (let i = 0; i < 20; i++) {
    await client.push(`k${i}`, i)
    if (i === 9) await troupe.audit.checkpoint()
  }
  await troupe.close()
  const db = new DatabaseSync(file())
  change(db)
  db.close()
  return verifyAudit({ storage: `sqlite:${file()}`, checkpoints: lines(), publicKey })
}
const idAt = (db: DatabaseSync, n: number) =>
  String(db.prepare('select id from security_audit_leaves where n = ?').get(n)?.id)
/** Every stored hash fits the leaves, as somebody who knows how would leave them. */
function rehash(db: DatabaseSync): void {
  db.exec('delete from security_audit_nodes')
  const tree = new MerkleTree()
  const rows = db.prepare('select n, id, mark, digest from security_audit_leaves order by n').all()
  for (const { n, id, mark, digest } of rows) {
    const hash = leafHash(`${n}\n${id}\n${mark}\n${digest}`)
    db.prepare('update security_audit_leaves set hash = ? where n = ?').run(hash.toString('base64url'), n as number)
    for (const [i, node] of tree.append(hash).entries())
      db.prepare('insert into security_audit_nodes values (?, ?, ?)').run(
        n as number,
        i + 1,
        node.toString('base64url'),
      )
  }
}

describe('verifyAudit', () => {
  it('verifyAudit finds nothing in an unchanged log, and reports what is covered.', async () => {
    expect(await tampered(() => {})).toMatchObject({
      ok: true,
      size: 20,
      covered: 20,
      checkpoints: 2,
      waiting: 0,
      findings: [],
    })
  })

  it('verifyAudit reads checkpoints from a file that begins with a byte order mark.', async () => {
    const report = await tampered(() => writeFileSync(lines(), `\uFEFF${readFileSync(lines(), 'utf8')}`))
    expect(report).toMatchObject({ ok: true, covered: 20, checkpoints: 2 })
  })

  it('verifyAudit finds a changed entry.', async () => {
    let resource: unknown
    const report = await tampered((db) => {
      resource = db.prepare('select resource from security_audit where id = ?').get(idAt(db, 7))?.resource
      db.prepare("update security_audit set actor = 'Somebody' where id = ?").run(idAt(db, 7))
      db.prepare("update security_audit set actor = 'Somebody' where id = ?").run(idAt(db, 12))
    })
    expect(report).toMatchObject({
      ok: false,
      findings: [
        { kind: 'changed', n: 7, record: { actor: 'Somebody', resource } },
        { kind: 'changed', n: 12 },
      ],
    })
  })

  it('verifyAudit finds a missing entry, and a missing leaf.', async () => {
    const gone = await tampered((db) => {
      db.prepare('delete from security_audit where id = ?').run(idAt(db, 3))
    })
    expect(gone).toMatchObject({ ok: false, covered: 20, findings: [{ kind: 'missing', n: 3 }] })
    rmSync(folder(), { recursive: true })
    const leaf = await tampered((db) => {
      db.prepare('delete from security_audit where id = ?').run(idAt(db, 13))
      db.exec('delete from security_audit_leaves where n = 13')
    })
    expect(leaf).toMatchObject({ ok: false, covered: 10, findings: [{ kind: 'missing', n: 13 }] })
  })

  it('verifyAudit finds an inserted entry.', async () => {
    const report = await tampered((db) => {
      const columns = 'user_id, at, actor, key_id, operation, resource, allowed, reason, nonce'
      db.exec(`insert into security_audit (id, ${columns})
        select id || 'x', ${columns} from security_audit order by id limit 1`)
    })
    expect(report).toMatchObject({ ok: false, covered: 20, findings: [{ kind: 'inserted' }] })
  })

  it('verifyAudit finds leaves that were swapped.', async () => {
    const report = await tampered((db) => {
      db.exec('update security_audit_leaves set n = -1 where n = 4')
      db.exec('update security_audit_leaves set n = 4 where n = 6')
      db.exec('update security_audit_leaves set n = 6 where n = -1')
    })
    expect(report).toMatchObject({
      ok: false,
      covered: 0,
      findings: [
        { kind: 'reordered', n: 4 },
        { kind: 'reordered', n: 6 },
      ],
    })
  })

  it('verifyAudit finds a log that was rewritten with all its hashes, by the next checkpoint, and names where it starts.', async () => {
    const report = await tampered((db) => {
      const id = idAt(db, 14)
      const row = db.prepare('select * from security_audit where id = ?').get(id) as Record<string, never>
      const forged = { ...row, user: row.user_id, key: row.key_id, resource: 'k99' } as never
      db.prepare('update security_audit set resource = ? where id = ?').run('k99', id)
      db.prepare('update security_audit_leaves set digest = ? where id = ?').run(recordDigest(forged), id)
      rehash(db)
    })
    expect(report).toMatchObject({ ok: false, covered: 10, findings: [{ kind: 'rewritten', n: 10 }] })
  })

  it('verifyAudit finds a truncated log.', async () => {
    const report = await tampered((db) => {
      db.exec('delete from security_audit where id in (select id from security_audit_leaves where n >= 15)')
      db.exec('delete from security_audit_leaves where n >= 15; delete from security_audit_nodes where last >= 15')
      db.exec('update security_audit_head set size = 15')
    })
    expect(report).toMatchObject({ ok: false, size: 15, covered: 10, findings: [{ kind: 'truncated', n: 15 }] })
    rmSync(folder(), { recursive: true })
    const everything = await tampered((db) => {
      for (const table of ['', '_leaves', '_nodes', '_pending']) db.exec(`delete from security_audit${table}`)
      db.exec("update security_audit_head set size = 0, peaks = '[]'")
    })
    expect(everything).toMatchObject({ ok: false, findings: [{ kind: 'truncated', n: 0 }] })
  })

  /** A record that says why others are gone, as two inserts make it; the honest troupe gives it its place and signs it. */
  async function forged(
    operation: string,
    resource: (db: DatabaseSync) => string,
    change: string,
  ): Promise<AuditReport> {
    await tampered((db) => {
      const last = db.prepare('select max(id) as id from security_audit_leaves').get()?.id
      const record = {
        // No id ends like this: the forged one is never that of a record, and sorts after all of them.
        ...{ user: '', id: `${String(last).slice(0, -1)}~`, at: Date.now(), actor: 'troupe', key: null, operation },
        ...{ resource: resource(db), allowed: 1 as const, reason: null, nonce: 'x', signature: null },
      }
      const columns = 'id, at, actor, key_id, operation, resource, allowed, reason, nonce, signature'
      const values = [record.id, record.at, 'troupe', null, operation, record.resource, 1, null, 'x', null]
      db.prepare(`insert into security_audit_actions (${columns}) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`).run(...values)
      db.prepare('insert into security_audit_pending values (?, ?, ?)').run(record.id, '', recordDigest(record))
      db.exec(change)
    })
    const audit = { checkpoints: { key, to: lines() } }
    const troupe = await opened({ storage: `sqlite:${file()}`, audit })
    await troupe.user('bob').context.push('later', 1)
    await troupe.close()
    return verifyAudit({ storage: `sqlite:${file()}`, checkpoints: lines(), publicKey })
  }

  it('verifyAudit excuses nothing by a retirement that the key of the checkpoints has not signed.', async () => {
    const report = await forged('audit.retire', () => '~', 'delete from security_audit')
    expect(report).toMatchObject({ ok: false, retired: 0, findings: expect.arrayContaining([]) })
    expect(report.findings).toHaveLength(20)
    expect(report.findings[0]).toMatchObject({ kind: 'missing', problem: expect.stringContaining('is not signed') })
  })

  it('verifyAudit excuses nothing by an erasure that the key of the checkpoints has not signed.', async () => {
    const markOfAda = (db: DatabaseSync) =>
      String(db.prepare("select mark from security_audit_leaves where mark <> '' limit 1").get()?.mark)
    const report = await forged('user.forget', markOfAda, 'delete from security_audit')
    expect(report).toMatchObject({ ok: false, erased: 0 })
    expect(report.findings).toHaveLength(20)
  })

  it('verifyAudit excuses nothing of a user whose erasure is signed and whose rows are still there.', async () => {
    const troupe = await opened({ storage: `sqlite:${file()}`, audit: { checkpoints: { key, to: lines() } } })
    for (const user of ['ada', 'bob']) await troupe.user(user).context.push('k', 1)
    await troupe.close()
    const db = new DatabaseSync(file())
    db.exec("create table copied as select * from context_entries where user_id = 'ada'")
    db.close()
    const reopened = await opened({ storage: `sqlite:${file()}`, audit: { checkpoints: { key, to: lines() } } })
    await reopened.forget('ada')
    await reopened.close()
    const verified = () => verifyAudit({ storage: `sqlite:${file()}`, checkpoints: lines(), publicKey })
    expect(await verified()).toMatchObject({ ok: true, erased: 1 })
    const changed = new DatabaseSync(file())
    changed.exec('insert into context_entries select * from copied; drop table copied')
    changed.close()
    expect(await verified()).toMatchObject({
      ok: false,
      erased: 0,
      findings: [{ kind: 'missing', problem: expect.stringContaining('has rows') }],
    })
  })

  it('verifyAudit excuses by a retirement no entry that was younger than the retention.', async () => {
    let hours = -3
    const clock = { ...systemClock, now: () => systemClock.now() + hours * 3_600_000 }
    const audit = { retention: '1h', checkpoints: { key, to: lines() } } as const
    const troupe = await opened({ storage: `sqlite:${file()}`, clock, audit })
    await troupe.user('ada').context.push('k', 1)
    hours = 0
    expect(await troupe.audit.retireRecords()).toBe(1)
    await troupe.close()
    const verified = (retention: '1h' | '30d') =>
      verifyAudit({ storage: `sqlite:${file()}`, checkpoints: lines(), publicKey, retention })
    expect(await verified('1h')).toMatchObject({ ok: true, retired: 1 })
    expect(await verified('30d')).toMatchObject({ ok: false, retired: 0, findings: [{ kind: 'missing' }] })
  })

  it.each([5, 'text', {}, null])(
    'A checkpoints.last that returns %j is a failure, and no rollback.',
    async (answer) => {
      const lost: unknown[] = []
      const last = async () => answer as never
      const troupe = await opened({
        storage: `sqlite:${file()}`,
        audit: { checkpoints: { key, to: () => {}, last } },
        log: { level: 'warn', destination: { write: (line: string) => lost.push(line) } },
      })
      await expect.poll(() => lost.join()).toContain('audit.checkpoints.last')
      expect((await troupe.health()).checks.find(({ name }) => name === 'audit')?.status).toBe('healthy')
    },
  )

  it.each([
    { where: 'in a file', checkpoints: () => ({ key, to: lines() }) },
    {
      where: 'by the application',
      checkpoints: () => {
        const stored: Checkpoint[] = []
        return { key, to: (one: Checkpoint) => void stored.push(one), last: async () => stored.at(-1) }
      },
    },
  ])(
    'A troupe raises an alert, and its health is degraded, when it opens a database that was rolled back; its checkpoints are stored $where.',
    async ({ checkpoints }) => {
      const audit = { checkpoints: checkpoints() }
      const session = async (count: number) => {
        const clock = createVirtualClock()
        const troupe = await opened({ storage: `sqlite:${file()}`, audit, clock })
        const emitted: unknown[] = []
        troupe.on('audit.rolled-back', ({ size, signedSize }) => emitted.push([size, signedSize]))
        troupe.on('alert.raised', ({ alert }) => emitted.push(alert))
        for (let i = 0; i < count; i++) await troupe.user('ada').context.push(`k${i}`, i)
        // The log is compared behind the opening, in real time.
        if (count === 0) await expect.poll(() => emitted.length).toBe(1)
        await clock.advance('1m')
        const { checks } = await troupe.health()
        emitted.push(checks.find(({ name }) => name === 'audit')?.status)
        await troupe.close()
        return emitted
      }
      expect(await session(2)).toEqual(['healthy'])
      copyFileSync(file(), `${file()}.old`)
      expect(await session(5)).toEqual(['healthy'])
      for (const suffix of ['-wal', '-shm']) rmSync(`${file()}${suffix}`, { force: true })
      copyFileSync(`${file()}.old`, file())
      expect(await session(0)).toEqual([[5, 13], 'audit-rolled-back', 'degraded'])
    },
  )

  it('verifyAudit rejects checkpoints of another key, and reports nothing covered without a checkpoint.', async () => {
    const report = await tampered(() => {})
    expect(report.ok).toBe(true)
    const other = generateKeyPairSync('ed25519').publicKey
    const storage = `sqlite:${file()}`
    expect(await verifyAudit({ storage, checkpoints: lines(), publicKey: other })).toMatchObject({
      ok: false,
      covered: 0,
      findings: [{ kind: 'checkpoint' }, { kind: 'checkpoint' }],
    })
    expect(await verifyAudit({ storage, checkpoints: lines(), publicKey: [other, publicKey] })).toMatchObject({
      ok: true,
    })
    expect(await verifyAudit({ storage, checkpoints: [], publicKey })).toMatchObject({ ok: false, covered: 0 })
    await expect(verifyAudit({ checkpoints: [], publicKey })).rejects.toMatchObject({ code: 'validation.failed' })
    await expect(verifyAudit({ export: ['{'], checkpoints: [], publicKey })).rejects.toMatchObject({
      code: 'validation.failed',
    })
  })

  it('verifyAudit finds lines of an export that are misplaced, repeated or missing.', async () => {
    await tampered(() => {})
    const troupe = await opened({ storage: `sqlite:${file()}` })
    const all: string[] = []
    for await (const line of troupe.audit.export()) all.push(line)
    await troupe.close()
    const verified = async (changed: readonly (string | undefined)[]) => {
      const exported = changed.filter((line) => line !== undefined)
      const { ok, findings } = await verifyAudit({ export: exported, checkpoints: lines(), publicKey })
      return { ok, findings: findings.map(({ kind, n, problem }) => `${kind} ${n}: ${problem}`) }
    }
    expect(await verified(all)).toEqual({ ok: true, findings: [] })
    const [third, fourth] = [all[3], all[4]]
    expect(await verified(all.with(3, fourth as string).with(4, third as string))).toEqual({
      ok: false,
      findings: ['reordered 2: leaf 2 stands behind leaf 3'],
    })
    expect(await verified(all.toSpliced(4, 0, third as string))).toEqual({
      ok: false,
      findings: ['reordered 2: leaf 2 stands behind leaf 2'],
    })
    expect(await verified(all.toSpliced(3, 2))).toEqual({
      ok: false,
      findings: ['missing 2: leaves 2 to 3 are gone'],
    })
  })

  it('verifyAudit creates no database, and names the file or list that is wrong.', async () => {
    await tampered(() => {})
    const checkpoints = lines()
    const storage = `sqlite:${file()}`
    const absent = storage.replace(/[^/]+$/, (name) => `x${name}`)
    const rejected = async (more: object, pattern: RegExp) =>
      expect(verifyAudit({ storage, checkpoints, publicKey, ...more } as never), String(pattern)).rejects.toMatchObject(
        {
          code: 'validation.failed',
          message: expect.stringMatching(pattern),
        },
      )
    await rejected({ storage: absent }, /The storage of verifyAudit .* there is no file .* did you mean /)
    expect(existsSync(absent.slice('sqlite:'.length))).toBe(false)
    await rejected({ checkpoints: undefined }, /The checkpoints are not valid/)
    await rejected({ checkpoints: `${checkpoints}.none` }, /The checkpoints .*\.none .* ENOENT/)
    await rejected({ storage: undefined, export: '/nowhere/log' }, /The export \/nowhere\/log .* ENOENT/)
    await rejected({ storage: undefined, export: 5 }, /The export is not valid/)
    await expect(verifyAudit({ storage, checkpoints, publicKey, signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'cancelled',
    })
  })

  it('verifyAudit ignores a checkpoint that a crash cut off, and uses all others.', async () => {
    await tampered(() => {})
    const [storage, to] = [`sqlite:${file()}`, lines()]
    truncateSync(to, statSync(to).size - 40)
    expect(await verifyAudit({ storage, checkpoints: to, publicKey })).toMatchObject({ ok: true, covered: 10 })
    const troupe = await opened({ storage, audit: { checkpoints: { key, to } } })
    await troupe.user('ada').agent('A').context.push('later', 1)
    await troupe.close()
    expect(await verifyAudit({ storage, checkpoints: to, publicKey })).toMatchObject({
      ok: true,
      covered: 21,
      checkpoints: 2,
    })
  })

  it('verifyAudit verifies users behind row-level security too.', { skip: missing !== undefined }, async () => {
    const storage = { url: server, schema }
    const checkpoints: Checkpoint[] = []
    const troupe = await opened({ storage, audit: { checkpoints: { key, to: (one) => void checkpoints.push(one) } } })
    for (let i = 0; i < 6; i++)
      await troupe
        .user(`user-${i % 2}`)
        .agent('A')
        .context.push(`k${i}`, i)
    await troupe.close()
    expect(await verifyAudit({ storage, checkpoints, publicKey })).toMatchObject({ ok: true, covered: 6 })
    await withClient((client) =>
      client.query(`update ${schema}.security_audit set resource = 'k9' where resource = 'k3'`),
    )
    expect(await verifyAudit({ storage, checkpoints, publicKey })).toMatchObject({
      ok: false,
      findings: [{ kind: 'changed', n: 3 }],
    })
  })
})
