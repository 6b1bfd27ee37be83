/** All programs, in the order in which they run. */
import { program as adversarial } from './adversarial.ts'
import { program as bank } from './bank.ts'
import { program as fuzz } from './fuzz.ts'
import type { Program } from './program.ts'
import { program as queue } from './queue.ts'
import { program as researchKill } from './research-kill.ts'
import { program as runs } from './runs.ts'
import { program as soak } from './soak.ts'
import { program as takeover } from './takeover.ts'
import { program as upgrade } from './upgrade.ts'
import { program as watchResume } from './watch-resume.ts'
import { program as wide } from './wide.ts'

export const programs: readonly Program[] = [
  fuzz,
  watchResume,
  bank,
  queue,
  runs,
  takeover,
  upgrade,
  researchKill,
  adversarial,
  wide,
  soak,
]
