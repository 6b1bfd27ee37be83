/** Finds the handler of a message: that of its own type, or else of the nearest type that it extends. */
import { isKindOf, type MessageType } from '../message-type.ts'
import type { DeliveryHandle } from '../receiving/delivery-handle.ts'
import type { Job } from './handling.ts'
import { type Registrations, Worker } from './worker.ts'

type Handlers = Pick<Registrations, 'handlers' | 'batches'>

export const registeredTypes = ({ handlers, batches }: Handlers): readonly MessageType[] =>
  [...handlers.values(), ...batches.values()].map(({ type }) => type)

/** Registered types that extend one: their messages do not go to its handler. */
export const nearerTypes = (registered: Handlers, name: string): readonly string[] =>
  registeredTypes(registered)
    .filter((type) => type.name !== name && isKindOf(type, name))
    .map((type) => type.name)

/** @returns undefined if no handler and no `onMessage` takes the message */
export function jobOf(
  worker: Worker,
  { handlers, batches }: Handlers,
  deliveries: readonly [DeliveryHandle, ...DeliveryHandle[]],
): Job | undefined {
  const [{ message, kinds }] = deliveries
  for (const kind of kinds) {
    const batch = batches.get(kind)
    if (batch) {
      const messages = Object.freeze(deliveries.map((delivery) => delivery.message))
      return { deliveries, type: batch.type, handle: (ctx) => batch.handler(messages, ctx) }
    }
    const one = handlers.get(kind)
    if (one) return { deliveries, type: one.type, handle: (ctx) => one.handler(message, ctx) }
  }
  if (worker.onMessage === Worker.prototype.onMessage) return undefined
  return { deliveries, type: undefined, handle: (ctx) => worker.onMessage(message, ctx) }
}
