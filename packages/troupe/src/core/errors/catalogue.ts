/** The catalogue of errors, composed of the codes of each module. */
import { agentsCodes } from './codes/agents-codes.ts'
import { cliCodes } from './codes/cli-codes.ts'
import { compatCodes } from './codes/compat-codes.ts'
import { contextCodes } from './codes/context-codes.ts'
import { documentsCodes } from './codes/documents-codes.ts'
import { generalCodes } from './codes/general-codes.ts'
import { journalCodes } from './codes/journal-codes.ts'
import { messagingCodes } from './codes/messaging-codes.ts'
import { modelsCodes } from './codes/models-codes.ts'
import { observabilityCodes } from './codes/observability-codes.ts'
import { runsCodes } from './codes/runs-codes.ts'
import { securityCodes } from './codes/security-codes.ts'
import { serverCodes } from './codes/server-codes.ts'
import { storageCodes } from './codes/storage-codes.ts'
import { toolsCodes } from './codes/tools-codes.ts'

/** Every code that Troupe raises: its class, its message and its hint. A released code does not change its meaning. */
export const catalogue = {
  ...agentsCodes,
  ...cliCodes,
  ...compatCodes,
  ...contextCodes,
  ...documentsCodes,
  ...journalCodes,
  ...generalCodes,
  ...messagingCodes,
  ...modelsCodes,
  ...observabilityCodes,
  ...runsCodes,
  ...securityCodes,
  ...serverCodes,
  ...storageCodes,
  ...toolsCodes,
} as const

/** A code of an error that Troupe raises. `docs/errors.md` lists all. */
export type ErrorCode = keyof typeof catalogue
