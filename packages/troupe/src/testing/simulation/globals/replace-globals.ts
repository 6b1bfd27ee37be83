/**
 * Replaces the globals with which third-party code reads time, random numbers and its machine: Date, performance.now,
 * hrtime, timers in all forms of import, Math.random, the random functions of crypto, AbortSignal.timeout, the ids of
 * the process and the name of the host. The code of Troupe uses ports. This must run before any library is loaded.
 *
 * Microtasks and `process.nextTick` are not replaced, because their order is deterministic.
 */
import { createRequire, syncBuiltinESMExports } from 'node:module'
import type { Machine } from '../machine/machine.ts'
import { replaceChance } from './replace-chance.ts'
import { replaceTime } from './replace-time.ts'
import { replaceTimers } from './replace-timers.ts'
import type { Replaced } from './replaced.ts'

export function replaceGlobals(machine: Machine, except: readonly Replaced[] = []): void {
  const wanted = (what: Replaced) => !except.includes(what)
  replaceTime(machine, wanted)
  replaceTimers(machine, wanted)
  replaceChance(machine, wanted)
  if (wanted('identity')) replaceIdentity()
  syncBuiltinESMExports()
}

/** The names of the process and the machine, which are parts of ids. */
function replaceIdentity(): void {
  for (const name of ['pid', 'ppid']) Object.defineProperty(process, name, { value: 1_000, configurable: true })
  Object.assign(createRequire(import.meta.url)('node:os') as object, { hostname: () => 'simulated' })
}
