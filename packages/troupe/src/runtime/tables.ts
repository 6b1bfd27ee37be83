/** What all rooms keep in the database. */
import { agentsMigrations, agentsTables } from '../agents/index.ts'
import { contextMigrations, contextTables } from '../context/index.ts'
import { durableMigrations, durableTables } from '../durable/index.ts'
import { messagingMigrations, messagingTables } from '../messaging/index.ts'
import { observabilityMigrations, observabilityTables } from '../observability/index.ts'
import { orchestrationMigrations, orchestrationTables } from '../orchestration/index.ts'
import { securityMigrations, securityTables } from '../security/index.ts'
import { storageTables, type UserTable } from '../storage/index.ts'

/** Users' rows in all rooms; rows that are copied stand before where they are copied to. */
export const userTables: readonly UserTable[] = [
  ...durableTables,
  ...contextTables,
  ...messagingTables,
  ...agentsTables,
  ...orchestrationTables,
  ...observabilityTables,
  ...securityTables,
  ...storageTables,
]

/** Of all rooms, in the order in which they are applied. */
export const migrations = [
  ...durableMigrations,
  ...securityMigrations,
  ...contextMigrations,
  ...messagingMigrations,
  ...agentsMigrations,
  ...orchestrationMigrations,
  ...observabilityMigrations,
]
