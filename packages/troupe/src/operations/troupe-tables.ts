/** The migrations and tables of all modules. */
import { agentsMigrations, agentsTables } from '../agents/index.ts'
import { contextMigrations, contextTables } from '../context/index.ts'
import { journalMigrations, journalTables } from '../journal/index.ts'
import { messagingMigrations, messagingTables } from '../messaging/index.ts'
import { metricMigration, metricTable, observabilityMigrations, observabilityTables } from '../observability/index.ts'
import { runMigrations, runTables } from '../runs/index.ts'
import { sandboxMigrations, sandboxTables } from '../sandbox/index.ts'
import { auditTable, securityMigrations, securityTables } from '../security/index.ts'
import { storageTables, type UserTable } from '../storage/index.ts'

/** The tables with users' rows of all modules. A table whose rows are copied comes before the table with the copies. */
export const userTables: readonly UserTable[] = [
  ...journalTables,
  ...contextTables,
  ...messagingTables,
  ...sandboxTables,
  ...agentsTables,
  ...runTables,
  ...observabilityTables,
  metricTable,
  ...securityTables,
  ...storageTables,
  auditTable,
]

/** The migrations of all modules, in the order in which they are applied. */
export const migrations = [
  ...journalMigrations,
  ...securityMigrations,
  ...contextMigrations,
  ...messagingMigrations,
  ...sandboxMigrations,
  ...agentsMigrations,
  ...runMigrations,
  ...observabilityMigrations,
  metricMigration,
]
