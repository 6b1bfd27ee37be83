/**
 * Every code that Troupe itself raises: its class, message, and what the reader can do. Stable: a released code keeps
 * its meaning.
 */
import { agentsCodes } from './codes/agents.ts'
import { compatCodes } from './codes/compat.ts'
import { contextCodes } from './codes/context.ts'
import { durableCodes } from './codes/durable.ts'
import { generalCodes } from './codes/general.ts'
import { messagingCodes } from './codes/messaging.ts'
import { modelsCodes } from './codes/models.ts'
import { observabilityCodes } from './codes/observability.ts'
import { orchestrationCodes } from './codes/orchestration.ts'
import { securityCodes } from './codes/security.ts'
import { serverCodes } from './codes/server.ts'
import { storageCodes } from './codes/storage.ts'
import { toolsCodes } from './codes/tools.ts'

export const catalogue = {
  ...agentsCodes,
  ...compatCodes,
  ...contextCodes,
  ...durableCodes,
  ...generalCodes,
  ...messagingCodes,
  ...modelsCodes,
  ...observabilityCodes,
  ...orchestrationCodes,
  ...securityCodes,
  ...serverCodes,
  ...storageCodes,
  ...toolsCodes,
} as const

export type ErrorCode = keyof typeof catalogue
