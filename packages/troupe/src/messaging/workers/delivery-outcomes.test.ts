import { expect, it } from 'vitest'
import { seededRandom, storeError } from '../../core/index.ts'
import type { StepEnd } from '../../journal/index.ts'
import { defineMessage } from '../message-type.ts'
import { messagingTestbeds } from '../open-testbeds.test.fixture.ts'
import type { DeliveryHandle } from '../receiving/delivery-handle.ts'
import { DeliveryOutcomes } from './delivery-outcomes.ts'

const Note = defineMessage<string>('note')
const { testbed } = messagingTestbeds()

/** One delivery of the message at its first attempt, and what is reported of it. */
async function delivered(attempts = 3) {
  const { agent, steps, clock, storage } = await testbed()
  await agent('A').messages.send(Note, 'x', { to: 'B' })
  const { mailbox } = agent('B')
  const reports: string[] = []
  const outcomes = new DeliveryOutcomes({
    ...{ user: 'ada', random: seededRandom('outcomes'), steps, retentionMs: 1_000 },
    retry: { attempts, backoff: { baseMs: 1_000, maxMs: 4_000 } },
    failures: {
      handlerFailed: (error) => reports.push(`failed: ${(error as Error).message}`),
      handlerSucceeded: () => reports.push('succeeded'),
      deadLettered: () => reports.push('dead-lettered'),
    },
  })
  const deliveries = (await mailbox.receive()) as readonly DeliveryHandle[]
  const commit = async (error: Error) => {
    const statements = outcomes.failed(deliveries, storeError(error)).flatMap((fragment) => fragment.statements)
    await storage.commit({ id: null, scope: { user: 'ada' }, statements })
    const end = { status: 'failed', error: storeError(error) } as unknown as StepEnd
    await outcomes.apply(deliveries, end, error)
  }
  return { outcomes, deliveries, mailbox, reports, clock, commit }
}

it('A failed delivery is retried after a pause.', async () => {
  const { mailbox, reports, clock, commit } = await delivered()
  await commit(new Error('no'))
  expect(reports).toEqual(['failed: no'])
  expect(await mailbox.receive()).toEqual([])
  await clock.advance('5s')
  expect((await mailbox.receive()).map(({ attempt }) => attempt)).toEqual([2])
})
it('A delivery that failed at its last attempt is a dead letter.', async () => {
  const { mailbox, reports, commit } = await delivered(1)
  await commit(new Error('no'))
  expect(reports).toEqual(['failed: no', 'dead-lettered'])
  expect((await mailbox.deadLetters()).items.map(({ reason }) => reason)).toEqual([
    expect.stringMatching(/^Error: no /),
  ])
})
it('A delivery whose step was lost or parked is released as it was.', async () => {
  const { outcomes, deliveries, mailbox, reports } = await delivered()
  await outcomes.apply(deliveries, { status: 'parked' } as StepEnd, undefined)
  expect(reports).toEqual([])
  expect(await mailbox.receive()).toHaveLength(1)
})
it('A delivery whose effect is uncertain is a dead letter that says so.', async () => {
  const { outcomes, deliveries, mailbox, reports } = await delivered()
  await outcomes.apply(deliveries, { status: 'uncertain', effect: 'charge' } as StepEnd, undefined)
  expect(reports).toEqual([expect.stringContaining('charge'), 'dead-lettered'])
  expect((await mailbox.deadLetters()).items[0]?.reason).toMatch(/whether its effect charge happened is unknown/)
})
it('A delivery whose step could not be executed is requeued, and is a dead letter at its last attempt.', async () => {
  const first = await delivered()
  await first.outcomes.requeue(first.deliveries, new Error('disk'))
  expect(first.reports).toEqual(['failed: disk'])
  await first.clock.advance('5s')
  expect(await first.mailbox.receive()).toHaveLength(1)
  const last = await delivered(1)
  await last.outcomes.requeue(last.deliveries, new Error('disk'))
  expect((await last.mailbox.deadLetters()).items[0]?.reason).toMatch(/disk .*; .*may have been done/)
})
