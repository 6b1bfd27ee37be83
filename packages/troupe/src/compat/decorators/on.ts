/**
 * Standard (TC39) decorators for the methods of workers. They register when an instance is created, so that the method of
 * a subclass that overrides it is called. Node does not execute decorators in `.ts` files: compile the class first (`tsc`,
 * without `experimentalDecorators`).
 */
import { invalidInput } from '../../core/index.ts'
import type { AgentDetail, BatchOptions, HandlerContext, Message, MessageType, Worker } from '../../messaging/index.ts'

/** A decorator of an instance method, which may be private. */
type Decorates<Args extends readonly unknown[]> = <This extends Worker>(
  method: (this: This, ...args: Args) => unknown,
  context: ClassMethodDecoratorContext<This>,
) => void

function registering<Args extends readonly unknown[]>(
  name: string,
  register: (worker: Worker, method: (...args: Args) => unknown) => unknown,
): Decorates<Args> {
  return (_method, context) => {
    const found = typeof context === 'object' && context !== null ? context : undefined
    if (found?.kind !== 'method' || found.static) {
      const problem = found
        ? 'it stands above a method of the instance'
        : 'it is a standard decorator: compile without experimentalDecorators'
      throw invalidInput(`@${name}`, problem)
    }
    context.addInitializer(function () {
      register(this, (...args) => context.access.get(this).call(this, ...args))
    })
  }
}

/**
 * Registers the method for messages of a type, and of types that extend it.
 * @throws ValidationError if it does not decorate a method of the instance
 * @example
 * class Stock extends Worker {
 *   left = 5
 *   @on(PlaceOrder) place({ payload }: Message<{ n: number }>) { this.left -= payload.n; return { left: this.left } }
 *   @onConnect('*:buyer') welcome(detail: AgentDetail) { console.log(detail.name) }
 * }
 */
export const on = <P>(type: MessageType<P>): Decorates<[Message<P>, HandlerContext]> =>
  registering('on', (worker, method) => worker.on(type, method))

/** Registers the method for batches of up to `size` messages, collected for at most `wait`. */
export const onBatch = <P>(
  type: MessageType<P>,
  options: BatchOptions,
): Decorates<[readonly Message<P>[], HandlerContext]> =>
  registering('onBatch', (worker, method) => worker.onBatch(type, options, method))

/** Registers the method for agents that connect, by `*`, `topic`, `topic:role` or `*:role`. */
export const onConnect = (pattern: string): Decorates<[AgentDetail]> =>
  registering('onConnect', (worker, method) => worker.onConnect(pattern, method))

/** Registers the method for agents that disconnect, by the same patterns. */
export const onDisconnect = (pattern: string): Decorates<[AgentDetail]> =>
  registering('onDisconnect', (worker, method) => worker.onDisconnect(pattern, method))
