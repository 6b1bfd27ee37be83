/**
 * Loaded by `node --import` before anything else in a process that simulates. The list `TROUPE_REAL` names globals that
 * are not replaced, for the tests that prove each replacement to be needed.
 */

import { replaceGlobals } from './globals/replace-globals.ts'
import type { Replaced } from './globals/replaced.ts'
import { Machine } from './machine/machine.ts'
import './globals/real.ts'

export const preloadedMachine = new Machine()
replaceGlobals(preloadedMachine, (process.env.TROUPE_REAL ?? '').split(',') as Replaced[])
