import { expect, it } from 'vitest'
import { defineMessage } from '../message-type.ts'
import { messagingTestbeds } from '../open-testbeds.test.fixture.ts'
import type { DeliveryHandle } from './delivery-handle.ts'
import { renewLeases } from './renew-leases.ts'

const Note = defineMessage<string>('note')
const { testbed } = messagingTestbeds()

async function leased() {
  const { agent, clock } = await testbed({ config: { lease: '1s' } })
  await agent('A').messages.send(Note, 'x', { to: 'B' })
  const { mailbox } = agent('B')
  const lost: unknown[] = []
  const deliveries = (await mailbox.receive()) as readonly DeliveryHandle[]
  const stop = renewLeases(deliveries, { clock, leaseMs: 1_000 }, (error) => lost.push(error))
  const wait = async (steps: number) => {
    for (let i = 0; i < steps; i++) await clock.advance('100ms')
  }
  return { deliveries, mailbox, lost, stop, wait }
}

it('A lease that is renewed outlives its time, and no other consumer gets the message.', async () => {
  const { mailbox, lost, stop, wait } = await leased()
  await wait(50)
  expect(await mailbox.receive()).toEqual([])
  stop()
  await wait(20)
  expect(await mailbox.receive()).toHaveLength(1)
  expect(lost).toEqual([])
})
it('A lease that is lost is reported once, and is renewed no more.', async () => {
  const { deliveries, lost, wait } = await leased()
  await deliveries[0]?.ack()
  await wait(50)
  expect(lost).toMatchObject([{ code: 'lease.lost' }])
})
