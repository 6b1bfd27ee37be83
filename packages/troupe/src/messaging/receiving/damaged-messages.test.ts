/** Messages that somebody changed in the database, or that broke there: they hold up and hide no other. */
import { afterEach, describe, expect, it } from 'vitest'
import { failure } from '../../core/index.ts'
import { defineMessage } from '../message-type.ts'
import { type MessagingTestbed, openMessagingTestbed } from '../messaging-testbed.test.fixture.ts'

const Note = defineMessage<string>('note')

let testbed: MessagingTestbed
afterEach(() => testbed.close())

describe.each([
  ['a payload that is not JSON', "payload = '{'"],
  ['a payload that is kept nowhere', `payload = '@{"blob":"00","bytes":1}'`],
  ['metadata that is not JSON', "envelope = '{'"],
])('a damaged message: %s', (_, broken) => {
  const begin = async () => {
    testbed = await openMessagingTestbed()
    const { messages } = testbed.agent('A')
    for (const payload of ['one', 'two']) await messages.send(Note, payload, { to: 'B' })
    await testbed.agent('C').messages.send(Note, 'three', { to: 'B' })
    const sql = `update messages set ${broken} where payload = '"one"'`
    await testbed.storage.commit({ id: null, scope: { user: 'ada' }, statements: [{ sql, binds: [] }] })
    return testbed.agent('B')
  }
  it('A damaged message is dead-lettered when it is received, and is listed there.', async () => {
    const { drain, mailbox } = await begin()
    expect((await drain()).sort()).toEqual(['three', 'two'])
    const dead = (await mailbox.deadLetters()).items
    expect(dead).toMatchObject([{ message: { from: 'A', type: 'note', payload: null }, attempt: 1 }])
    expect(dead[0]?.reason).not.toBe('')
    expect(await mailbox.counts()).toMatchObject({ waiting: 0, leased: 0, dead: 1 })
  })
  it('A damaged message is dead-lettered when it is listed.', async () => {
    const { mailbox } = await begin()
    expect((await mailbox.messages()).items.map(({ payload }) => payload)).toEqual(['two', 'three'])
    expect(await mailbox.counts()).toMatchObject({ waiting: 2, dead: 1 })
  })
})

it('A large payload that the storage fails to read is not dead-lettered.', async () => {
  testbed = await openMessagingTestbed({ config: { lease: '1s' } })
  const { agent, storage, clock } = testbed
  await agent('A').messages.send(Note, 'x'.repeat(300 * 1024), { to: 'B' })
  const { read } = storage
  const failing = async (scope: unknown, statements: readonly { readonly sql: string }[]) => {
    if (statements.some(({ sql }) => sql.includes('storage_blobs')))
      throw failure('storage.io', { path: 'x', problem: 'it failed' })
    return read.call(storage, scope as never, statements as never)
  }
  Object.assign(storage, { read: failing })
  await expect(agent('B').mailbox.receive()).rejects.toMatchObject({ code: 'storage.io' })
  Object.assign(storage, { read })
  await clock.advance('1s')
  const [delivery] = await agent('B').mailbox.receive()
  expect(delivery?.message.payload).toHaveLength(300 * 1024)
  expect(await agent('B').mailbox.counts()).toMatchObject({ leased: 1, dead: 0 })
})
