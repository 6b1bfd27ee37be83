/** All programs, in the order in which they run. */
import { program as bank } from './bank.ts'
import { program as fuzz } from './fuzz.ts'
import type { Program } from './program.ts'
import { program as queue } from './queue.ts'
import { program as runs } from './runs.ts'
import { program as watchResume } from './watch-resume.ts'

export const programs: readonly Program[] = [fuzz, watchResume, bank, queue, runs]
