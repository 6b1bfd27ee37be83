/**
 * Loaded by `node --import` before anything else in a process that simulates. Reading `TROUPE_REAL`, a list, leaves some
 * of the world as it is: for the controls that prove each replacement to be needed.
 */
import { Machine } from './machine.ts'
import { replaceGlobals } from './replace-globals.ts'
import type { Replaced } from './replaced.ts'
import './real.ts'

export const machine = new Machine()
replaceGlobals(machine, (process.env.TROUPE_REAL ?? '').split(',') as Replaced[])
