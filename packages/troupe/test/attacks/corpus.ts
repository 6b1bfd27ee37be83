/** All rows. An id is of one row. */

import { agentsAndFiles } from './agents-and-files.ts'
import { approvalsAtOnce } from './approvals-at-once.ts'
import type { Attack } from './attack.ts'
import { codeExecution } from './code-execution.ts'
import { flows } from './flows.ts'
import { humanTrust } from './human-trust.ts'
import { identity } from './identity.ts'
import { injections } from './injections.ts'
import { lookAlikes } from './look-alikes.ts'
import { ownTroupes } from './own-troupes/own-troupes.ts'
import { rogueAgents } from './rogue-agents.ts'

export const corpus: readonly Attack[] = [
  ...injections,
  ...flows,
  ...identity,
  ...humanTrust,
  ...approvalsAtOnce,
  ...lookAlikes,
  ...codeExecution,
  ...agentsAndFiles,
  ...rogueAgents,
  ...ownTroupes,
]
