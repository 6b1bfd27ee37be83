/** Rows whose attacks need a troupe of their own: what lies around the library, from the database to the identity provider. */
import type { Attack, AttackAction } from '../attack.ts'
import { backups } from './backups.ts'
import { cassettes } from './cassettes.ts'
import { encryptionKeys } from './encryption-keys.ts'
import { poolers } from './poolers.ts'
import { remoteAgents } from './remote-agents.ts'
import { signIns } from './sign-ins.ts'
import { signedMessages } from './signed-messages.ts'
import { telemetry } from './telemetry.ts'

const parts = [signedMessages, encryptionKeys, cassettes, telemetry, remoteAgents, backups, signIns, poolers]
export const ownTroupes: readonly Attack[] = parts.flatMap(({ rows }) => rows)
export const ownTroupesActions: Readonly<Record<string, AttackAction>> = Object.assign(
  {},
  ...parts.map(({ actions }) => actions),
)
