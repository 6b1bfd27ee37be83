/**
 * Replaces timers in all their forms: globals, `node:timers`, `node:timers/promises`, `util.promisify` and
 * AbortSignal.timeout. While no seed is executed, they are the real timers, because libraries use them while they load.
 */
import { createRequire } from 'node:module'
import { promisify } from 'node:util'
import type { SimulatedEvent } from '../machine/event-heap.ts'
import type { Machine } from '../machine/machine.ts'
import type { Replaced } from './replaced.ts'

type Callback = (...args: unknown[]) => void

export function replaceTimers(machine: Machine, wanted: (what: Replaced) => boolean): void {
  if (wanted('abort')) AbortSignal.timeout = (ms) => timeoutSignal(machine, ms)
  if (!wanted('timers')) return
  const require = createRequire(import.meta.url)
  const timersModule = require('node:timers') as Record<string, unknown>
  const promises = require('node:timers/promises') as Record<string, unknown>
  const functions = timerFunctions(machine)
  const waiting = timerPromises(machine)
  const original = { setTimeout: promises.setTimeout, setImmediate: promises.setImmediate } as Record<string, Callback>
  for (const [name, own] of Object.entries({ setTimeout: waiting.setTimeout, setImmediate: waiting.setImmediate }))
    Object.defineProperty(functions[name as 'setTimeout'], promisify.custom, {
      value: (...args: unknown[]) => (machine.running ? (own as Callback)(...args) : original[name]?.(...args)),
    })
  Object.assign(timersModule, functions)
  Object.assign(globalThis, functions)
  for (const [name, own] of Object.entries(waiting)) {
    const was = promises[name] as Callback
    promises[name] = (...args: unknown[]) => (machine.running ? (own as Callback)(...args) : was(...args))
  }
  const scheduler = promises.scheduler as { wait: unknown; yield: unknown }
  Object.defineProperty(scheduler, 'wait', {
    value: (ms: number, options?: { signal?: AbortSignal }) => waiting.setTimeout(ms, undefined, options),
  })
  Object.defineProperty(scheduler, 'yield', { value: () => waiting.setImmediate() })
}

/** The result of `setTimeout`, with the members of Node's class that libraries use. */
class SimulatedTimer {
  readonly #start: (timer: SimulatedTimer) => SimulatedEvent
  readonly #numbered: Map<number, SimulatedTimer>
  event: SimulatedEvent
  constructor(numbered: Map<number, SimulatedTimer>, start: (timer: SimulatedTimer) => SimulatedEvent) {
    this.#numbered = numbered
    this.#start = start
    this.event = start(this)
  }
  ref(): this {
    return this
  }
  unref(): this {
    return this
  }
  hasRef(): boolean {
    return true
  }
  refresh(): this {
    this.event.cancelled = true
    this.event = this.#start(this)
    return this
  }
  close(): this {
    this.event.cancelled = true
    return this
  }
  [Symbol.dispose](): void {
    this.close()
  }
  /** The number of the timer clears it too. */
  [Symbol.toPrimitive](): number {
    this.#numbered.set(this.event.sequence, this)
    return this.event.sequence
  }
}

function timerFunctions(machine: Machine) {
  const { setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate } = globalThis
  const numbered = new Map<number, SimulatedTimer>()
  const start = (label: string, ms: number, run: Callback, args: unknown[], isRepeating: boolean) =>
    new SimulatedTimer(numbered, (timer) => {
      const event = machine.schedule(ms, label, () => {
        run(...args)
        if (isRepeating && !event.cancelled) timer.refresh()
      })
      return event
    })
  // As in Node: a value that is not a number, is less than 1 or is more than 2^31-1 means 1 ms.
  const atLeast = (ms: unknown) => (Number(ms) >= 1 && Number(ms) < 2 ** 31 ? Math.trunc(Number(ms)) : 1)
  const clear = (was: (timer?: never) => void) => (timer: unknown) => {
    const found = typeof timer === 'object' ? timer : numbered.get(Number(timer))
    if (found instanceof SimulatedTimer) found.close()
    else was(timer as never)
  }
  return {
    setTimeout: (run: Callback, ms?: unknown, ...args: unknown[]) =>
      machine.running ? start('timeout', atLeast(ms), run, args, false) : setTimeout(run, ms as number, ...args),
    setInterval: (run: Callback, ms?: unknown, ...args: unknown[]) =>
      machine.running ? start('interval', atLeast(ms), run, args, true) : setInterval(run, ms as number, ...args),
    setImmediate: (run: Callback, ...args: unknown[]) =>
      machine.running ? start('immediate', 0, run, args, false) : setImmediate(run, ...args),
    clearTimeout: clear(clearTimeout),
    clearInterval: clear(clearInterval),
    clearImmediate: clear(clearImmediate),
  }
}

interface Waiting {
  readonly signal?: AbortSignal
}

function timerPromises(machine: Machine) {
  const wait = <T>(label: string, ms: number, value: T, { signal }: Waiting = {}) =>
    new Promise<T>((resolve, reject) => {
      const abort = () => {
        event.cancelled = true
        reject(new DOMException('The operation was aborted', { name: 'AbortError', cause: signal?.reason }))
      }
      const event = machine.schedule(ms, label, () => {
        signal?.removeEventListener('abort', abort)
        resolve(value)
      })
      if (signal?.aborted) abort()
      else signal?.addEventListener('abort', abort, { once: true })
    })
  return {
    setTimeout: <T>(ms?: number, value?: T, options?: Waiting) => wait('timeout', ms ?? 1, value, options),
    setImmediate: <T>(value?: T, options?: Waiting) => wait('immediate', 0, value, options),
    async *setInterval<T>(ms?: number, value?: T, options?: Waiting) {
      for (;;) yield await wait('interval', ms ?? 1, value, options)
    },
  }
}

function timeoutSignal(machine: Machine, ms: number): AbortSignal {
  const controller = new AbortController()
  const abort = () =>
    controller.abort(new DOMException('The operation was aborted due to timeout', { name: 'TimeoutError' }))
  machine.schedule(ms, 'timeout', abort)
  return controller.signal
}
