import { expect, it } from 'vitest'
import type { DeliveryHandle } from '../receiving/delivery-handle.ts'
import { Worker } from './worker.ts'
import { WorkerFailures } from './worker-failures.ts'

const delivery = { message: { id: 'm', type: 'note' }, attempt: 2 } as DeliveryHandle

function open(hooks: Partial<Pick<Worker, 'onFailure' | 'onDeadLetter'>> = {}, limit?: number) {
  const events: unknown[] = []
  const failing: number[] = []
  const failures = new WorkerFailures({
    user: 'ada',
    worker: Object.assign(new Worker('W'), hooks),
    emit: (type, user, fields) => events.push({ type, user, ...fields }),
    watch: { failures: limit, failing: (count) => failing.push(count) },
  })
  return { failures, events, failing }
}

it('A failure is emitted with its message and passed to onFailure.', () => {
  const received: unknown[] = []
  const { failures, events } = open({ onFailure: (...all) => void received.push(all) })
  const error = new Error('no')
  failures.report(error, delivery)
  failures.report(error)
  expect(events).toMatchObject([
    { type: 'worker.failed', user: 'ada', agent: 'W', id: 'm', messageType: 'note', attempt: 2 },
    { type: 'worker.failed', user: 'ada', agent: 'W' },
  ])
  expect(received).toEqual([
    [error, delivery.message, { attempt: 2 }],
    [error, undefined, {}],
  ])
})
it('A hook that throws is emitted once and ends nothing else.', async () => {
  const boom = () => {
    throw new Error('hook')
  }
  const { failures, events } = open({ onFailure: boom, onDeadLetter: boom })
  await failures.contain(() => {
    throw new Error('contained')
  })
  failures.deadLettered(new Error('last'), delivery)
  await Promise.resolve()
  expect(events).toHaveLength(3)
})
it('The supervisor is notified once when so many handlers in a row have failed.', () => {
  const { failures, failing } = open({}, 2)
  const fail = () => failures.handlerFailed(new Error('no'), delivery)
  fail()
  failures.handlerSucceeded()
  expect(failing).toEqual([])
  for (let i = 0; i < 3; i++) fail()
  expect(failing).toEqual([2])
})
