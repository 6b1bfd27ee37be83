/** What all rooms keep in the database. */
import { agentsMigrations, agentsTables } from '../agents/index.ts'
import { contextMigrations, contextTables } from '../context/index.ts'
import { journalMigrations, journalTables } from '../journal/index.ts'
import { messagingMigrations, messagingTables } from '../messaging/index.ts'
import { metricMigration, metricTable, observabilityMigrations, observabilityTables } from '../observability/index.ts'
import { runMigrations, runTables } from '../runs/index.ts'
import { sandboxMigrations, sandboxTables } from '../sandbox/index.ts'
import { securityMigrations, securityTables } from '../security/index.ts'
import { storageTables, type UserTable } from '../storage/index.ts'

/** Users' rows in all rooms; rows that are copied stand before where they are copied to. */
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
]

/** Of all rooms, in the order in which they are applied. */
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
