/** Attacks that no model is needed for: what a caller, another program or a writer of files does, by the channel of its rows. */
import { agentsAndFilesActions } from './agents-and-files.ts'
import { approvalsAtOnceActions } from './approvals-at-once.ts'
import type { AttackAction } from './attack.ts'
import { codeExecutionActions } from './code-execution.ts'
import { humanTrustActions } from './human-trust.ts'
import { identityActions } from './identity.ts'
import { lookAlikesActions } from './look-alikes.ts'
import { ownTroupesActions } from './own-troupes/own-troupes.ts'
import { rogueAgentsActions } from './rogue-agents.ts'

export const actions: Readonly<Record<string, AttackAction>> = {
  ...agentsAndFilesActions,
  ...codeExecutionActions,
  ...humanTrustActions,
  ...approvalsAtOnceActions,
  ...lookAlikesActions,
  ...identityActions,
  ...rogueAgentsActions,
  ...ownTroupesActions,
}
