import { describe, expect, it } from 'vitest'
import { testStorages } from '../../../test/postgres/test-databases.ts'
import { createVirtualClock } from '../../core/index.ts'
import { defineMessage } from '../message-type.ts'
import type { MessagingTestbedOptions } from '../messaging-testbed.test.fixture.ts'
import { messagingTestbeds, until } from '../open-testbeds.test.fixture.ts'

const Note = defineMessage<string>('note')
const testbeds = messagingTestbeds()
const onServer = (await testStorages('revoked'))[1]
const signing = async (id: string, options: MessagingTestbedOptions) => {
  const made = await testbeds.testbed({
    ...options,
    config: { signatures: { keys: [{ id, secret: 'a secret of at least thirty-two bytes' }] } },
  })
  const send = () => made.agent('A').messages.send(Note, 'x', { to: 'B' })
  return { send, revoke: () => made.mailboxes.signatures?.revoke(id), close: () => made.close() }
}

describe('a revoked key', () => {
  it.skipIf(!onServer)('A revoked key stops signing in another process that only sends.', async () => {
    const clock = createVirtualClock()
    const here = await signing('one', { ...onServer, clock })
    const there = await signing('one', { ...onServer, clock, seed: 'another process' })
    const outcome = () =>
      there.send().then(
        () => 'sent',
        ({ code }) => code,
      )
    expect(await outcome()).toBe('sent')
    await here.revoke()
    await clock.advance('5s')
    await until(clock, async () => (await outcome()) === 'signature.no_key', '1ms')
  })
  it('A revoked key does not sign after a restart, before any message was verified.', async () => {
    const testStorage = { url: testbeds.newFile(), clock: createVirtualClock() }
    const first = await signing('two', testStorage)
    await first.revoke()
    await first.close()
    const { send } = await signing('two', { ...testStorage, seed: 'after the restart' })
    await expect(send()).rejects.toMatchObject({ code: 'signature.no_key' })
  })
})
