/** The build, the forms that it writes and reads, and the open runs that need another build. */
import { version as build, checkOptions } from '../core/index.ts'
import { checkInteger } from '../resilience/index.ts'
import { findStaleRuns, type StaleRun } from '../runs/index.ts'
import type { TroupeParts } from './troupe-parts.ts'
import { migrations } from './troupe-tables.ts'

/** The versions of this build, and the open runs that need another one. */
export interface Versions {
  /** The release, as in npm. */
  readonly build: string
  /** The version of the record format of journals. */
  readonly journal: {
    /** The version that this build writes. */
    readonly writes: number
    /** The newest version that this build reads. */
    readonly reads: number
  }
  /** The versions of the tables, by module. */
  readonly schemas: readonly {
    /** The name of the module. */
    readonly module: string
    /** The version of its tables. */
    readonly version: number
    /** The oldest version of a build that can use these tables. */
    readonly lowestReader: number
  }[]
  /** The agents of `createTroupe`, with the fingerprints of their code. */
  readonly agents: readonly {
    /** The name of the agent. */
    readonly name: string
    /** The fingerprint of its code. */
    readonly fingerprint: string
  }[]
  /** The open runs of all users that began with other code or have newer records. */
  readonly staleRuns: readonly StaleRun[]
  /** The number of open runs that were checked, at most 1,000 unless `limit` says otherwise. */
  readonly examined: number
  /** True if more runs are open than were checked. */
  readonly more: boolean
}

export async function versionsOf(parts: TroupeParts, options: { readonly limit?: number } = {}): Promise<Versions> {
  checkOptions('troupe.versions', options, ['limit'])
  const limit = checkInteger('troupe.versions', 'limit', options.limit ?? 1_000)
  const { orchestra } = parts.runs
  const { settings } = parts
  const known = new Map([...settings.agents].map(([name, agent]) => [name, agent.fingerprint]))
  const { runs, examined, more } = await findStaleRuns(orchestra.parts, known, limit)
  const { form } = orchestra.parts.journal.journals
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
