import { expect, it } from 'vitest'
import { defineMessage } from '../message-type.ts'
import type { DeliveryHandle } from '../receiving/delivery-handle.ts'
import { jobOf, nearerTypes, registeredTypes } from './registered-types.ts'
import { attach, type HandlerContext, Worker } from './worker.ts'

const Event = defineMessage('event')
const Order = defineMessage('order', undefined, { extends: Event })
const Note = defineMessage('note')
const delivery = (...kinds: readonly string[]) => ({ kinds, message: { type: kinds[0] } }) as unknown as DeliveryHandle

function registered(worker: Worker) {
  return worker[attach]({} as never)
}
const handled = (worker: Worker, of = registered(worker)) => ({
  by: (...deliveries: [DeliveryHandle, ...DeliveryHandle[]]) =>
    jobOf(worker, of, deliveries)?.handle({} as HandlerContext),
})

it('A message goes to the handler of its own type, else to that of the nearest type that it extends.', () => {
  const worker = new Worker('W').on(Event, () => 'event').on(Order, () => 'order')
  const { by } = handled(worker)
  expect([by(delivery('order', 'event')), by(delivery('event')), by(delivery('other', 'event'))]).toEqual([
    'order',
    'event',
    'event',
  ])
})
it('A batch handler gets the messages of all deliveries.', () => {
  const worker = new Worker('W').onBatch(Note, { size: 2, wait: '1s' }, (messages) => messages.length)
  expect(handled(worker).by(delivery('note'), delivery('note'))).toBe(2)
})
it('A message without a handler goes to onMessage if the worker has one.', () => {
  expect(handled(new Worker('W')).by(delivery('note'))).toBeUndefined()
  const worker = Object.assign(new Worker('W'), { onMessage: () => 'any' })
  expect(handled(worker).by(delivery('note'))).toBe('any')
})
it('The nearer types of a type are those registered types that extend it.', () => {
  const of = registered(new Worker('W').on(Order, () => {}).onBatch(Event, { size: 2, wait: '1s' }, () => {}))
  expect(registeredTypes(of)).toEqual([Order, Event])
  expect([nearerTypes(of, 'event'), nearerTypes(of, 'order')]).toEqual([['order'], []])
})
