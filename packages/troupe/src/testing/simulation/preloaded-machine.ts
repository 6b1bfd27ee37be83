/**
 * Loaded by `node --import` before anything else in a process that simulates. Reading `TROUPE_REAL`, a list, leaves some
 * of the world as it is: for the controls that prove each replacement to be needed.
 */

import { replaceGlobals } from './globals/replace-globals.ts'
import type { Replaced } from './globals/replaced.ts'
import { Machine } from './machine.ts'
import './globals/real.ts'

export const preloadedMachine = new Machine()
replaceGlobals(preloadedMachine, (process.env.TROUPE_REAL ?? '').split(',') as Replaced[])
