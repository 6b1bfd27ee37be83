/** Replaces the sources of random values: Math.random and the random functions of `node:crypto` and Web Crypto. */
import { createRequire } from 'node:module'
import type { Machine } from '../machine/machine.ts'
import type { Replaced } from './replaced.ts'

type Done<T> = (error: null, value: T) => void

export function replaceChance(machine: Machine, wanted: (what: Replaced) => boolean): void {
  if (wanted('math')) Math.random = () => machine.processContext().random.next()
  if (!wanted('crypto')) return
  const require = createRequire(import.meta.url)
  const cryptoModule = require('node:crypto') as Record<string, unknown>
  const bytes = (count: number) => Buffer.from(machine.processContext().random.bytes(count))
  const fill = <T extends ArrayBufferView>(target: T): T => {
    new Uint8Array(target.buffer, target.byteOffset, target.byteLength).set(bytes(target.byteLength))
    return target
  }
  /** A callback is called in a later turn, as from the thread pool. */
  const later = <T>(value: T, done?: Done<T>): T | undefined => {
    if (!done) return value
    machine.schedule(0, 'random', () => done(null, value))
    return undefined
  }
  const randomUUID = () => uuid(bytes(16))
  const randomFill = (target: ArrayBufferView, ...rest: unknown[]) => {
    const done = rest.at(-1) as Done<ArrayBufferView>
    const [offset = 0, size] = rest.slice(0, -1) as number[]
    const view = new Uint8Array(target.buffer, target.byteOffset, target.byteLength)
    fill(view.subarray(offset, size === undefined ? undefined : offset + size))
    later(target, done)
  }
  const replaced = {
    randomUUID,
    randomBytes: (count: number, done?: Done<Buffer>) => later(bytes(count), done),
    pseudoRandomBytes: (count: number, done?: Done<Buffer>) => later(bytes(count), done),
    randomInt: (a: number, b?: number | Done<number>, c?: Done<number>) => {
      const [low, high] = typeof b === 'number' ? [a, b] : [0, a]
      const value = low + Math.floor(machine.processContext().random.next() * (high - low))
      return later(value, typeof b === 'function' ? b : c)
    },
    randomFillSync: (target: ArrayBufferView, offset = 0, size?: number) => {
      const view = new Uint8Array(target.buffer, target.byteOffset, target.byteLength)
      fill(view.subarray(offset, size === undefined ? undefined : offset + size))
      return target
    },
    randomFill,
  }
  Object.assign(cryptoModule, replaced)
  // If it cannot be set, it calls the function of Web Crypto, which is replaced below.
  if (Object.getOwnPropertyDescriptor(cryptoModule, 'getRandomValues')?.configurable)
    Object.defineProperty(cryptoModule, 'getRandomValues', { value: fill, configurable: true })
  const web = {
    getRandomValues: { value: fill, configurable: true },
    randomUUID: { value: randomUUID, configurable: true },
  }
  Object.defineProperties(Object.getPrototypeOf(globalThis.crypto) as object, web)
}

/** Version 4, RFC 9562. */
function uuid(bytes: Uint8Array): string {
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80
  const hex = Buffer.from(bytes).toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
