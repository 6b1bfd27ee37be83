/** The clocks that libraries read: Date, performance.now, process.hrtime and uptime. */
import { beginning, type Machine } from '../machine/machine.ts'
import type { Replaced } from './replaced.ts'

export function replaceTime(machine: Machine, wanted: (what: Replaced) => boolean): void {
  if (wanted('date')) replaceDate(machine)
  if (wanted('performance')) {
    Object.defineProperty(performance, 'now', { value: () => machine.time, configurable: true, writable: true })
    Object.defineProperty(performance, 'timeOrigin', { value: beginning, configurable: true })
  }
  if (!wanted('hrtime')) return
  const nanoseconds = () => BigInt(Math.round(machine.time * 1e6))
  const hrtime = (since?: readonly [number, number]): [number, number] => {
    const passed = nanoseconds() - (since ? BigInt(since[0]) * 1_000_000_000n + BigInt(since[1]) : 0n)
    return [Number(passed / 1_000_000_000n), Number(passed % 1_000_000_000n)]
  }
  process.hrtime = Object.assign(hrtime, { bigint: nanoseconds })
  process.uptime = () => machine.time / 1_000
}

/** A proxy, so that dates of all code are instances of it and have the original prototype. */
function replaceDate(machine: Machine): void {
  const original = Date
  const now = () => machine.wall()
  const replaced = new Proxy(original, {
    apply: () => new original(now()).toString(),
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget) as object,
    get: (target, property, receiver) => (property === 'now' ? now : Reflect.get(target, property, receiver)),
  })
  Object.defineProperty(original.prototype, 'constructor', { value: replaced, configurable: true, writable: true })
  globalThis.Date = replaced
}
