/** All programs, in the order in which they run. */
import { program as fuzz } from './fuzz.ts'
import type { Program } from './program.ts'

export const programs: readonly Program[] = [fuzz]
