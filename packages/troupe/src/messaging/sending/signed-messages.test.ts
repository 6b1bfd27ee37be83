import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { testStorages } from '../../../test/postgres/test-databases.ts'
import type { SignatureConfig } from '../../security/index.ts'
import { bytesSchema } from '../bytes-schema.ts'
import { defineMessage } from '../message-type.ts'
import { type MessagingTestbed, openMessagingTestbed } from '../messaging-testbed.test.fixture.ts'
import { Worker } from '../workers/worker.ts'
import { change, rejections, secret, shared, signedTestbeds } from './signed-testbed.test.fixture.ts'

const Note = defineMessage<string>('note')
let users = 0
const { newFile, testbed, unsignedTestbed } = signedTestbeds()
const storages = await testStorages('signed')
const onServer = storages[1]
const reasons = async (made: MessagingTestbed, name: string) =>
  (await made.agent(name).mailbox.deadLetters()).items.map(({ reason }) => reason)

describe('a signed message', () => {
  it.each(storages)(
    'A signed message is accepted on every path of a message, for $url as the storage.',
    async (testStorage) => {
      const Scan = defineMessage('scan', z.object({ image: bytesSchema() }))
      const Child = defineMessage<string>('child', undefined, { extends: Note })
      const config = { capacity: { count: 4 }, backpressure: 'wait' } as const
      const made = await testbed(shared, { ...testStorage, user: `user ${users++}`, config })
      const { agent, clock } = made
      const { messages } = agent('A')
      await messages.send(Note, 'plain', { to: 'B', metadata: { n: 1 }, threadId: 't', requiresConfirmation: true })
      await messages.send(Scan, { image: Uint8Array.from([1, 2]) }, { to: 'B' })
      await messages.send(Child, 'x'.repeat(300 * 1024), { to: 'B', delay: '1m' })
      await messages.batched({ size: 1 }).send(Note, 'batched', { to: 'B', priority: 'urgent' })
      await made.step('A', 'step:1', async (staged) => {
        await staged.send(Note, 'staged and held back', { to: 'B' })
        return null
      })
      const worker = new Worker('W')
      worker.on(Note, () => 'answer')
      await made.start(worker)
      expect(await messages.request(Note, 'question', { to: 'W' })).toBe('answer')
      await clock.advance('1m')
      const seen = (await agent('B').drain()).map((payload) =>
        typeof payload === 'string' ? payload.slice(0, 20) : 'bytes',
      )
      expect(seen.sort()).toEqual(['batched', 'bytes', 'plain', 'staged and held back', 'x'.repeat(20)])
      expect(await agent('A').drain()).toHaveLength(1)
      expect(rejections(made)).toEqual([])
    },
  )
  it('A signed message may wait in its mailbox for days, and is redelivered after its lease.', async () => {
    const { agent, clock } = await testbed()
    await agent('A').messages.send(Note, 'late', { to: 'B' })
    await clock.advance('2d')
    await agent('B').mailbox.receive()
    await clock.advance('1h')
    const [redelivered] = await agent('B').mailbox.receive()
    expect(redelivered).toMatchObject({ attempt: 2, message: { payload: 'late' } })
  })
  it.each([
    ['payload', `update messages set payload = '"forged"'`],
    ['sender', "update messages set sender = 'Boss'"],
    ['recipient', "update messages set mailbox = 'B' where mailbox = 'C'"],
    ['type', "update messages set type = 'order'"],
    ['version', 'update messages set version = 2'],
    ['kinds', "update messages set kinds = char(10) || 'order' || char(9) || '1' || char(10)"],
    ['thread', "update messages set thread_id = 'other'"],
    ['metadata', `update messages set envelope = replace(envelope, '"n":1', '"n":2')`],
    ['taint', `update messages set envelope = replace(envelope, 'web', 'none')`],
    ['signature', `update messages set signature = '{"key":"all","at":1,"signature":"AAAA"}'`],
    ['moment of delivery', 'update messages set available_at = available_at - 3600000'],
    ['moment of delivery, to later', 'update messages set available_at = available_at + 3600000'],
    ['end', 'update messages set expires_at = expires_at + 3600000'],
    ['end, to none', 'update messages set expires_at = null'],
    ['signed moments', `update messages set signature = replace(signature, '"after":7200000', '"after":9900000')`],
    ['moments, as if they were not signed', `update messages set signature = '{"at":1' || substr(signature, 7)`],
    ['signature that is none', "update messages set signature = '}'"],
    ['payload, which is not JSON', "update messages set payload = '{'"],
    ['payload, which is kept nowhere', `update messages set payload = '@{"blob":"00","bytes":1}'`],
    ['metadata, which is not JSON', "update messages set envelope = '{'"],
    ['place for a reply, which is none', "update messages set reply_to = '{'"],
  ])('A signed message whose %s changed in the database is rejected.', async (_, sql) => {
    const made = await testbed()
    const { mailboxes, agent } = made
    const access = { can: () => true, require: () => {} } as never
    const messages = mailboxes.messages({ user: 'ada', agent: 'A', access })
    const to = sql.includes("'C'") ? 'C' : 'B'
    await messages.send(Note, 'true', {
      to,
      threadId: 't',
      metadata: { n: 1 },
      ttl: '2h',
      taint: ['untrusted:web'],
    })
    await change(made, sql)
    if (to === 'C') await change(made, "update mailbox_lanes set mailbox = 'B'")
    if (to === 'C') await change(made, "update mailboxes set mailbox = 'B'")
    expect(await agent('B').drain()).toEqual([])
    expect(await reasons(made, 'B')).toEqual([expect.stringContaining('signature')])
    expect(rejections(made)).toEqual([[expect.any(String), 'signature.invalid']])
  })
  it('A signed message with an Ed25519 key is verified with the public key alone, which cannot sign.', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    const url = newFile()
    const first = await openMessagingTestbed({
      url,
      config: { signatures: { keys: [{ id: 'a', agent: 'A', privateKey }] } },
    })
    for (const payload of ['true', 'false']) await first.agent('A').messages.send(Note, payload, { to: 'B' })
    await first.close()
    const made = await testbed({ keys: [{ id: 'a', agent: 'A', publicKey }] }, { url, clock: first.clock })
    await change(made, `update messages set payload = '"forged"' where payload = '"false"'`)
    expect(await made.agent('B').drain()).toEqual(['true'])
    const forged = made.agent('A').messages.send(Note, 'x', { to: 'B' })
    await expect(forged).rejects.toMatchObject({ code: 'signature.no_key' })
    expect(rejections(made)[0]).toEqual(['A', 'signature.invalid'])
  })
  it('A signed message that was changed is not listed, and its incident is recorded once.', async () => {
    const made = await testbed()
    await made.agent('A').messages.send(Note, 'true', { to: 'B' })
    await change(made, `update messages set payload = '"forged"'`)
    expect((await made.agent('B').mailbox.messages()).items).toEqual([])
    expect((await made.agent('B').mailbox.messages()).items).toEqual([])
    expect(rejections(made)).toEqual([['A', 'signature.invalid']])
    expect(await reasons(made, 'B')).toHaveLength(1)
  })
  it('A signed message is not accepted again after its acknowledgement, in another process either.', async () => {
    const url = newFile()
    const first = await openMessagingTestbed({ url, config: { signatures: shared } })
    await first.agent('A').messages.send(Note, 'pay 100', { to: 'B' })
    await change(first, 'create table kept as select * from messages')
    expect(await first.agent('B').drain()).toEqual(['pay 100'])
    await first.close()
    const made = await testbed(shared, { url, clock: first.clock, seed: 'other' })
    const redeliver = async () => {
      await change(made, 'delete from messages')
      await change(made, 'update kept set seq = seq + 10')
      await change(made, 'insert into messages select * from kept')
      await change(
        made,
        'insert or replace into mailbox_lanes select user_id, mailbox, lane, 1, seq, due, due, 0, 0, 0, 0, null from kept',
      )
    }
    await redeliver()
    expect(await made.agent('B').drain()).toEqual([])
    expect(rejections(made)).toEqual([['A', 'signature.replayed']])
    // Later its moment is no longer what it was accepted at.
    await made.clock.advance('6m')
    await redeliver()
    await change(made, 'delete from message_seen')
    await change(made, `update messages set created_at = ${made.clock.now()}`)
    expect(await made.agent('B').drain()).toEqual([])
    expect(rejections(made)[1]).toEqual(['A', 'signature.expired'])
  })
})

it.skipIf(onServer === undefined)('A signed message is accepted once by all processes on one database.', async () => {
  const user = `user ${users++}`
  const testStorage = { ...onServer, user }
  const [here, there] = [await testbed(shared, testStorage), await testbed(shared, { ...testStorage, seed: 'other' })]
  await here.agent('A').messages.send(Note, 'pay 100', { to: 'B' })
  expect(await here.agent('B').drain()).toEqual(['pay 100'])
  const repeatedWrites = [
    "update messages set state = 'ready', token = null, ended_at = null, read_at = null, attempts = 0",
    'update mailbox_lanes set depth = 1, head_seq = (select min(seq) from messages), leased = 0, token = null, lease_until = 0',
    'update mailboxes set count = 1',
  ]
  const statements = repeatedWrites.map((sql) => ({ sql, binds: [] }))
  expect(await here.storage.commit({ id: null, scope: { user }, statements })).toMatchObject({ affected: [1, 1, 1] })
  expect(await there.agent('B').drain()).toEqual([])
  expect(rejections(there)).toEqual([['A', 'signature.replayed']])
})

describe('signed delivery times', () => {
  it('A signed message is accepted later, at a moment, and after a redrive.', async () => {
    const made = await testbed(shared, { config: { maxAttempts: 1 } })
    const { agent, clock } = made
    await agent('A').messages.send(Note, 'later', { to: 'B', delay: '1h', ttl: '1h' })
    await agent('A').messages.send(Note, 'then', { to: 'B', at: new Date(clock.now() + 7_200_000), ttl: '1h' })
    await clock.advance('61m')
    expect(await agent('B').drain()).toEqual(['later'])
    await clock.advance('60m')
    const [delivery] = await agent('B').mailbox.receive()
    await delivery?.nack()
    const [dead] = (await agent('B').mailbox.deadLetters()).items
    await agent('B').mailbox.redrive(dead?.message.id ?? '')
    await clock.advance('2h')
    expect(await agent('B').drain()).toEqual(['then'])
    expect(rejections(made)).toEqual([])
  })
})

describe('the policy', () => {
  it('The policy `require` rejects unsigned messages, `verify` accepts them, and both reject invalid signatures.', async () => {
    const url = newFile()
    const unsigned = await openMessagingTestbed({ url })
    for (const to of ['B', 'C']) await unsigned.agent('A').messages.send(Note, 'unsigned', { to })
    await unsigned.close()
    const verifying = await openMessagingTestbed({
      url,
      clock: unsigned.clock,
      config: { signatures: { ...shared, policy: 'verify' } },
    })
    expect(await verifying.agent('B').drain()).toEqual(['unsigned'])
    await verifying.agent('A').messages.send(Note, 'signed', { to: 'D' })
    await change(verifying, `update messages set payload = '"forged"' where mailbox = 'D'`)
    expect(await verifying.agent('D').drain()).toEqual([])
    await verifying.close()
    const requiring = await testbed(shared, { url, clock: unsigned.clock })
    expect(await requiring.agent('C').drain()).toEqual([])
    expect(rejections(requiring)).toEqual([['A', 'signature.missing']])
  })
  it('The policy `require` rejects a send without a signing key, in a turn too.', async () => {
    const { privateKey } = generateKeyPairSync('ed25519')
    const keys = [{ id: 's', agent: 'Support', privateKey }]
    const made = await testbed({ keys })
    const rejected = { name: 'AccessDeniedError', code: 'signature.no_key' }
    await expect(made.agent('A').messages.send(Note, 'x', { to: 'B' })).rejects.toMatchObject(rejected)
    const end = await made.step('A', 'step:1', async (staged) => {
      await staged.send(Note, 'x', { to: 'B' })
      return null
    })
    expect(end).toMatchObject({ status: 'failed', error: { code: 'signature.no_key' } })
    await made.agent('Support').messages.send(Note, 'signed', { to: 'B' })
    expect(await made.agent('B').drain()).toEqual(['signed'])
    const lenient = await testbed({ keys, policy: 'verify' })
    await lenient.agent('A').messages.send(Note, 'x', { to: 'B' })
    expect(await lenient.agent('B').drain()).toEqual(['x'])
  })
})

describe('a revoked signing key', () => {
  it.skipIf(onServer === undefined)(
    'A revoked signing key is rejected at once by another process on the same database.',
    async () => {
      const testStorage = { ...onServer, user: `user ${users++}` }
      const stolen: SignatureConfig = { keys: [{ id: 'stolen', secret }] }
      const [here, there] = [
        await testbed(stolen, testStorage),
        await testbed(stolen, { ...testStorage, seed: 'other' }),
      ]
      for (const payload of ['before', 'after']) {
        if (payload === 'after') await here.mailboxes.signatures?.revoke('stolen')
        await there.agent('A').messages.send(Note, payload, { to: 'B' })
        expect(await there.agent('B').drain()).toEqual(payload === 'before' ? ['before'] : [])
      }
      expect(rejections(there)).toEqual([['A', 'signature.revoked']])
    },
  )

  it('A revoked signing key is rejected for waiting messages too, also after a restart.', async () => {
    const url = newFile()
    const keys = [
      { id: 'old', secret },
      { id: 'new', secret: `${secret}!` },
    ]
    const first = await openMessagingTestbed({ url, config: { signatures: { keys: keys.slice(0, 1) } } })
    await first.agent('A').messages.send(Note, 'stolen', { to: 'B' })
    await first.mailboxes.signatures?.revoke('old')
    expect(first.mailboxes.signatures?.keys()).toMatchObject([{ id: 'old', signs: false, revoked: true }])
    await expect(first.agent('A').messages.send(Note, 'x', { to: 'B' })).rejects.toMatchObject({
      code: 'signature.no_key',
    })
    await first.close()
    const made = await testbed({ keys }, { url, clock: first.clock, seed: 'other' })
    await made.agent('A').messages.send(Note, 'with the new one', { to: 'B' })
    expect(await made.agent('B').drain()).toEqual(['with the new one'])
    expect(rejections(made)).toEqual([['A', 'signature.revoked']])
  })
})

it('A troupe without signatures stores no row for them.', async () => {
  const made = await unsignedTestbed()
  expect(made.mailboxes.signatures).toBeUndefined()
  await made.agent('A').messages.send(Note, 'x', { to: 'B' })
  await made.agent('B').drain()
  const sql = 'select (select count(*) from message_seen) as seen, (select count(signature) from messages) as signed'
  const [rows] = await made.storage.read({ user: 'ada' }, [{ sql, binds: [], returns: true }])
  expect(rows).toEqual([{ seen: 0, signed: 0 }])
})
