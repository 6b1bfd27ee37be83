import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { auditedTroupes } from '../../../test/postgres/audited-troupes.ts'
import { server } from '../../../test/postgres/postgres-server.ts'
import { createVirtualClock, seededRandom, systemClock } from '../../core/index.ts'
import { defineAgent, defineMessage, type Troupe, type TroupeConfig } from '../../index.ts'
import { type Checkpoint, verifyAudit } from '../../operations.ts'
import { createDisk } from '../../storage/index.ts'
import { leafHash } from '../index.ts'
import { consistent, includes } from './tree/verify-proofs.test.fixture.ts'

const { missing, schema, publicKey, key, file, lines, opened } = await auditedTroupes('audit')
const Note = defineMessage('note')
const all = async (troupe: Troupe, query: Parameters<Troupe['audit']['list']>[0] = {}) => {
  const found = []
  for await (const record of await troupe.audit.list(query)) found.push(record)
  return found.reverse()
}
const recordsOf = async (troupe: Troupe, query: Parameters<Troupe['audit']['list']>[0] = {}) =>
  (await all(troupe, query)).map(({ actor, operation, resource }) => [actor, operation, resource])

async function arrayOf<T>(from: AsyncIterable<T>): Promise<readonly T[]> {
  const found: T[] = []
  for await (const one of from) found.push(one)
  return found
}

const storages = [
  { name: 'in memory', storage: () => 'memory:' as TroupeConfig['storage'], skip: false },
  { name: 'on PostgreSQL', storage: () => ({ url: server, schema }), skip: missing !== undefined },
]
describe.each(storages)('the audit log $name', ({ storage, skip }) => {
  it.skipIf(skip)('The audit log records every write with its actor, and nothing of the content.', async () => {
    const troupe = await opened({ storage: storage() })
    const ada = troupe.user('ada')
    const support = ada.agent('Support')
    await support.context.push('orders.17', { secret: 'kittens' }, { topics: ['orders'] })
    await support.context.batch(
      [
        { type: 'push', key: 'a', value: 1 },
        { type: 'delete', key: 'orders.17' },
      ],
      {
        atomic: true,
      },
    )
    await support.context.subscribe(['orders'])
    await support.messages.send(Note, { secret: 'kittens' }, { to: 'Stock' })
    const writer = defineAgent({
      name: 'Writer',
      run: async (_, ctx) => {
        await ctx.context.push('plan', { secret: 'kittens' })
        await ctx.messages.send(Note, {}, { to: 'Stock' })
        return 'done'
      },
    })
    const run = await ada.orchestra.start({ task: 'kittens', topology: { agents: [writer], flows: [] } })
    expect(await run.result()).toMatchObject({ status: 'completed' })
    await ada.context.clear()
    const records = await recordsOf(troupe, { user: 'ada' })
    for (const expected of [
      ['Support', 'push_context', 'orders.17'],
      ['Support', 'push_context', 'a'],
      ['Support', 'delete_context', 'orders.17'],
      ['Support', 'subscribe_to_topics', 'orders'],
      ['Support', 'send_message_to_agent', 'Stock'],
      ['host', 'run.start', run.id],
      ['Writer', 'push_context', 'plan'],
      ['Writer', 'send_message_to_agent', 'Stock'],
      ['host', 'clear_context', 'plan'],
    ])
      expect(records).toContainEqual(expected)
    const exported = await arrayOf(troupe.audit.export())
    expect(exported.join('\n')).not.toContain('kittens')
    expect(exported.length).toBeGreaterThan(records.length)
  })

  it.skipIf(skip)('The audit log has an entry for each write that happened and for no other.', async () => {
    const troupe = await opened({ storage: storage() })
    const client = troupe.user('ada').agent('Support').context
    const attempts = await Promise.allSettled(
      Array.from({ length: 60 }, (_, i) => client.push('counted', i, { ifVersion: i % 3 })),
    )
    const done = attempts.filter(({ status }) => status === 'fulfilled').length
    expect(done).toBeGreaterThan(0)
    expect(done).toBeLessThan(60)
    expect(await all(troupe, { user: 'ada', operation: 'push_context', allowed: true })).toHaveLength(done)
    // Another user's list holds none of it.
    expect(await all(troupe, { user: 'bob' })).toEqual([])
  })

  it.skipIf(skip)('The audit log is filtered by actor, operation, resource and time, and read in pages.', async () => {
    const clock = createVirtualClock()
    const troupe = await opened({ storage: storage(), clock })
    const [ada, bob] = [troupe.user('ada'), troupe.user('bob')]
    for (let i = 0; i < 5; i++) {
      await ada.agent(`A${i % 2}`).context.push(`k${i}`, i)
      await bob.agent('B').context.push(`k${i}`, i)
      await clock.advance('1m')
    }
    await expect(bob.agent('B', { role: 'readonly' }).context.push('x', 1)).rejects.toThrow()
    await troupe.audit.flush()
    expect(await all(troupe)).toHaveLength(11)
    expect(await recordsOf(troupe, { user: 'ada', actor: 'A1' })).toEqual([
      ['A1', 'push_context', 'k1'],
      ['A1', 'push_context', 'k3'],
    ])
    expect(await all(troupe, { resource: 'k2' })).toHaveLength(2)
    const start = clock.now() - 5 * 60_000
    const between = { from: new Date(start + 60_000), to: new Date(start + 180_000).toISOString() }
    expect(await all(troupe, between)).toHaveLength(4)
    expect(await all(troupe, { ...between, user: 'bob', limit: 1 })).toHaveLength(2)
    const page = await troupe.audit.list({ limit: 4 })
    expect(page.items).toHaveLength(4)
    expect(await all(troupe, { limit: 4 })).toHaveLength(11)
    expect((await troupe.audit.incidents()).items).toMatchObject([
      { user: 'bob', actor: 'B', operation: 'push_context', allowed: false, reason: 'access.denied' },
    ])
    await expect(troupe.audit.list({ usr: 'ada' } as never)).rejects.toMatchObject({
      code: 'option.unknown',
      details: { nearest: 'user' },
    })
    for (const wrong of [{ limit: 0 }, { from: 'soon' }, { user: '' }, { allowed: 'no' }])
      await expect(troupe.audit.list(wrong as never)).rejects.toMatchObject({ code: 'validation.failed' })
  })

  it.skipIf(skip)('The audit log proves that an entry is in it, and that it only grew.', async () => {
    const troupe = await opened({ storage: storage() })
    const client = troupe.user('ada').agent('Support').context
    const buffers = (texts: readonly string[]) => texts.map((text) => Buffer.from(text, 'base64url'))
    for (let i = 0; i < 13; i++) await client.push(`k${i}`, i)
    const before = await troupe.audit.tree()
    for (let i = 0; i < 8; i++) await client.push(`k${i}`, i)
    for (const { id } of await all(troupe)) {
      const { leaf, index, size, path, root } = await troupe.audit.inclusion(id)
      expect(includes(leafHash(leaf), index, size, buffers(path), Buffer.from(root, 'base64url'))).toBe(true)
    }
    const [older, newer] = [before, await troupe.audit.tree()].map(({ size, root }) => ({
      size,
      root: Buffer.from(root, 'base64url'),
    })) as [{ size: number; root: Buffer }, { size: number; root: Buffer }]
    const { path } = await troupe.audit.consistency(before.size)
    expect([older.size, newer.size]).toEqual([13, 21])
    expect(consistent(older, newer, buffers(path))).toBe(true)
    await expect(troupe.audit.inclusion('none')).rejects.toMatchObject({ code: 'audit.unknown' })
  })

  it.skipIf(skip)('The audit log stays verifiable after a user is erased and after entries are retired.', async () => {
    // It jumps: a day of virtual timers is long. PostgreSQL retires by its own clock, so the records are of two days ago.
    let hours = -48
    const clock = { ...systemClock, now: () => systemClock.now() + hours * 3_600_000 }
    const checkpoints: Checkpoint[] = []
    const to = (checkpoint: Checkpoint) => void checkpoints.push(checkpoint)
    const audit = { retention: '1h', checkpoints: { key, to } } as const
    const troupe = await opened({ storage: storage(), clock, audit })
    const verify = async () => verifyAudit({ export: troupe.audit.export(), checkpoints, publicKey })
    const [ada, bob] = [troupe.user('ada').agent('A'), troupe.user('bob').agent('B', { role: 'readonly' })]
    for (let i = 0; i < 4; i++) await ada.context.push(`k${i}`, i)
    await expect(bob.context.push('x', 1)).rejects.toThrow()
    await troupe.audit.checkpoint()
    expect(await verify()).toMatchObject({ ok: true, covered: 5, erased: 0, retired: 0 })
    await troupe.forget('ada')
    expect(await all(troupe, { user: 'ada' })).toEqual([])
    await troupe.audit.checkpoint()
    expect(await verify()).toMatchObject({ ok: true, covered: 7, erased: 4, retired: 0, findings: [] })
    // Begun anew under the same id, its records may not be missing.
    await troupe.user('ada').agent('A').context.push('again', 1)
    hours += 2
    expect(await troupe.audit.retireRecords()).toBe(1)
    expect(await all(troupe, { user: 'ada' })).toEqual([])
    expect((await troupe.audit.incidents({ user: 'bob' })).items).toHaveLength(1)
    hours += 23
    expect(await troupe.audit.retireRecords()).toBe(1)
    expect((await troupe.audit.incidents({ user: 'bob' })).items).toEqual([])
    expect(await troupe.audit.retireRecords()).toBe(0)
    await troupe.audit.checkpoint()
    expect(await verify()).toMatchObject({ ok: true, erased: 4, retired: 2, findings: [] })
  })
})

describe('the audit log', () => {
  it('The audit log records a rejection without delaying or failing the caller, also if nothing can be written.', async () => {
    let broken = false
    const at = () => (broken ? ('full' as const) : undefined)
    const troupe = await opened({
      storage: `sqlite:${file()}`,
      faults: { clock: systemClock, random: seededRandom('audit'), at },
    })
    const events: string[] = []
    troupe.on('*', ({ type }) => void events.push(type))
    const client = troupe.user('ada').agent('Reader', { role: 'readonly' }).context
    await expect(client.push('k', 1)).rejects.toMatchObject({ code: 'access.denied' })
    await troupe.audit.flush()
    expect((await troupe.audit.incidents({ user: 'ada' })).items).toHaveLength(1)
    broken = true
    await expect(client.push('k', 1)).rejects.toMatchObject({ code: 'access.denied' })
    await troupe.audit.flush()
    expect(events.filter((type) => type === 'incident.recorded')).toHaveLength(2)
    broken = false
  })

  it('The audit log records reads only if the option `reads` is set.', async () => {
    for (const reads of [false, true]) {
      const troupe = await opened({ audit: { reads } })
      const { context, mailbox } = troupe.user('ada').agent('Reader')
      await context.push('k', 1)
      await context.get('k')
      await context.getMany(['k', 'l'])
      await context.list({ prefix: 'k' })
      await context.keys()
      await mailbox.messages()
      const step = defineAgent({ name: 'Step', run: async (_, ctx) => ctx.context.get('k') })
      await troupe.user('ada').orchestra.run({ task: null, topology: { agents: [step], flows: [] } })
      await troupe.audit.flush()
      const records = await recordsOf(troupe, { user: 'ada' })
      const expected = [
        ['Reader', 'get_context', 'k'],
        ['Reader', 'get_context', 'l'],
        ['Reader', 'list_context', 'k*'],
        ['Reader', 'list_context_keys', '*'],
        ['Reader', 'get_messages_from_agents', 'Reader'],
        ['Step', 'get_context', 'k'],
      ]
      for (const record of expected)
        if (reads) expect(records).toContainEqual(record)
        else expect(records).not.toContainEqual(record)
    }
  })

  it('The audit log records as read.audit that it was listed and exported.', async () => {
    const troupe = await opened({ audit: { reads: true } })
    const reads = async () => {
      await troupe.audit.flush()
      return (await all(troupe, { operation: 'read.audit' })).length
    }
    await reads()
    expect(await reads()).toBe(1)
    await arrayOf(troupe.audit.export())
    expect(await reads()).toBe(3)
  })

  it('The audit log omits writes if they are off, and hashes entry keys if the option is set.', async () => {
    const off = await opened({ audit: { writes: false } })
    await off.user('ada').agent('A').context.push('patients.7', 1)
    await expect(off.user('ada').agent('A', { role: 'readonly' }).context.push('k', 1)).rejects.toThrow()
    await off.audit.flush()
    expect((await all(off)).map(({ allowed }) => allowed)).toEqual([false])
    const hashed = await opened({ audit: { keys: 'hashed' } })
    await hashed.user('ada').agent('A').context.push('patients.7', 1)
    await hashed.user('ada').agent('A').context.push('patients.8', 1)
    expect((await all(hashed)).every(({ resource }) => /^#[\w-]{22}$/.test(String(resource)))).toBe(true)
    expect(await all(hashed, { operation: 'push_context', resource: 'patients.7' })).toHaveLength(1)
    expect((await arrayOf(hashed.audit.export())).join()).not.toContain('patients')
  })

  it('The audit log rejects unknown options and invalid values.', async () => {
    await expect(opened({ audit: { wrties: true } as never })).rejects.toMatchObject({
      code: 'option.unknown',
      details: { nearest: 'writes' },
    })
    const to = () => {}
    for (const audit of [
      { writes: 'yes' },
      { keys: 'some' },
      { retention: '1m' },
      { checkpoints: { key, to, every: '10ms' } },
      { checkpoints: { key: { id: 'a', privateKey: 'none' }, to } },
      { checkpoints: { key } },
    ])
      await expect(opened({ audit: audit as never })).rejects.toMatchObject({ code: 'validation.failed' })
  })

  it('The audit log removes old entries each hour, and rejections after a day.', async () => {
    const clock = createVirtualClock()
    const troupe = await opened({ clock, audit: { retention: '1h' } })
    await troupe.user('ada').agent('A').context.push('k', 1)
    await expect(troupe.user('ada').agent('R', { role: 'readonly' }).context.push('k', 1)).rejects.toThrow()
    await troupe.audit.flush()
    const left = async () => (await all(troupe, { user: 'ada' })).map(({ allowed }) => allowed).sort()
    await clock.advance('59m')
    expect(await left()).toEqual([false, true])
    await clock.advance('62m')
    await expect.poll(left).toEqual([false])
    await clock.advance('21h')
    expect(await left()).toEqual([false])
    await clock.advance('3h')
    await expect.poll(left).toEqual([])
  })

  it('The audit log recovers what a process recorded before it died.', async () => {
    const disk = createDisk()
    const clock = createVirtualClock()
    const faults = { clock, random: seededRandom('audit'), disk }
    const first = await opened({ clock, faults })
    for (let i = 0; i < 7; i++) await first.user('ada').agent('A').context.push(`k${i}`, i)
    // The first one is gone without a word: another one has its disk.
    const second = await opened({ clock, faults })
    await second.user('ada').agent('A').context.push('k7', 7)
    await clock.advance('2s')
    expect(await second.audit.tree()).toMatchObject({ size: 8 })
    disk.dispose()
  })

  it('The audit log gives each entry one place when several processes record.', {
    skip: missing !== undefined,
  }, async () => {
    const storage = { url: server, schema }
    const troupes = [await opened({ storage }), await opened({ storage }), await opened({ storage })]
    await Promise.all(
      troupes.flatMap((troupe, t) =>
        Array.from({ length: 40 }, async (_, i) => {
          await troupe
            .user(`user-${i % 3}`)
            .agent('A')
            .context.push(`k.${t}.${i}`, i)
          if (i % 10 === 0) await troupe.audit.tree()
        }),
      ),
    )
    await Promise.all(troupes.map((troupe) => troupe.audit.tree()))
    // What waits for whoever had the lease a moment ago is given its place within it.
    await expect.poll(async () => (await troupes[0]?.audit.tree())?.size).toBe(120)
    const report = await verifyAudit({ export: troupes[1]?.audit.export() ?? [], checkpoints: [], publicKey })
    expect(report).toMatchObject({ size: 120, waiting: 0, findings: [] })
  })

  it('The last checkpoint of a process covers entries that followed directly after another process.', async () => {
    const config = { storage: `sqlite:${file()}` as const, audit: { checkpoints: { key, to: lines() } } }
    for (const size of [1, 2, 3]) {
      const troupe = await opened(config)
      await troupe.user('ada').agent('A').context.push('k', size)
      await troupe.close()
      const last = readFileSync(lines(), 'utf8').trim().split('\n').at(-1)
      expect(JSON.parse(String(last))).toMatchObject({ size })
    }
  })

  it('The audit log sends checkpoints to a file at the close, and to a URL at an interval.', async () => {
    const clock = createVirtualClock()
    const first = await opened({ storage: `sqlite:${file()}`, audit: { checkpoints: { key, to: lines() } } })
    await first.user('ada').agent('A').context.push('k', 1)
    await first.close()
    const [line] = readFileSync(lines(), 'utf8').trim().split('\n')
    expect(JSON.parse(String(line))).toMatchObject({ key: 'audit-1', size: 1 })
    const posted: Checkpoint[] = []
    const web = createServer((request, response) => {
      let body = ''
      request.on('data', (part) => {
        body += part
      })
      request.on('end', () => {
        posted.push(JSON.parse(body))
        response.end()
      })
    })
    await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve))
    try {
      const to = `http://127.0.0.1:${(web.address() as AddressInfo).port}/checkpoints`
      const second = await opened({ clock, audit: { checkpoints: { key, to, every: '1m' } } })
      await second.user('ada').agent('A').context.push('k', 1)
      await clock.advance('1m')
      await expect.poll(() => posted.length).toBe(1)
      const verified = await verifyAudit({ export: second.audit.export(), checkpoints: posted, publicKey })
      expect(verified).toMatchObject({ ok: true, covered: 1 })
      await second.close()
      // Nothing came since.
      expect(posted).toHaveLength(1)
    } finally {
      web.close()
    }
  })
})
