/** Which build this is, what it writes and reads, and which runs in flight need another one. */
import { version as build, checkOptions } from '../core/index.ts'
import { checkInteger } from '../resilience/index.ts'
import { findStaleRuns, type StaleRun } from '../runs/index.ts'
import type { TroupeParts } from './troupe-parts.ts'
import { migrations } from './troupe-tables.ts'

export interface Versions {
  /** The release, as npm names it. */
  readonly build: string
  /** The form of records in journals: what this build writes, and the newest that it reads. */
  readonly journal: { readonly writes: number; readonly reads: number }
  /** By room: the version of its tables in this build, and the oldest build's that can work on them. */
  readonly schemas: readonly { readonly module: string; readonly version: number; readonly lowestReader: number }[]
  /** Those that `createTroupe` was given, with the fingerprint of their code. */
  readonly agents: readonly { readonly name: string; readonly fingerprint: string }[]
  /** Of all users: runs that are not over, and began with other code or hold newer records. */
  readonly staleRuns: readonly StaleRun[]
  readonly examined: number
  /** There are more runs in flight than were looked at. */
  readonly more: boolean
}

export async function versionsOf(parts: TroupeParts, options: { readonly limit?: number } = {}): Promise<Versions> {
  checkOptions('troupe.versions', options, ['limit'])
  const limit = checkInteger('troupe.versions', 'limit', options.limit ?? 1_000)
  const { orchestra, settings } = parts
  const known = new Map([...settings.agents].map(([name, agent]) => [name, agent.fingerprint]))
  const { runs, examined, more } = await findStaleRuns(orchestra.parts, known, limit)
  const { form } = orchestra.parts.journals
  const latest = new Map(migrations.map((migration) => [migration.module, migration]))
  return {
    build,
    journal: { writes: form, reads: form },
    schemas: [...latest.values()].map(({ module: moduleName, version, lowestReader }) => ({
      module: moduleName,
      version,
      lowestReader,
    })),
    agents: [...known].map(([name, fingerprint]) => ({ name, fingerprint })),
    staleRuns: runs,
    examined,
    more,
  }
}
