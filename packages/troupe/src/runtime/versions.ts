/** Which build this is, what it writes and reads, and which runs in flight need another one. */
import { checkOptions } from '../core/index.ts'
import { type RunBehind, runsBehind } from '../orchestration/index.ts'
import { checkWhole } from '../resilience/index.ts'
import { build } from './build.ts'
import type { TroupeParts } from './parts.ts'
import { migrations } from './tables.ts'

export interface Versions {
  /** The release, as npm names it. */
  readonly build: string
  /** The form of records in journals: what this build writes, and the newest that it reads. */
  readonly journal: { readonly writes: number; readonly reads: number }
  /** By room: the version of its tables in this build, and the oldest build's that can work on them. */
  readonly schemas: readonly { readonly room: string; readonly version: number; readonly lowestReader: number }[]
  /** Those that `createTroupe` was given, with the fingerprint of their code. */
  readonly agents: readonly { readonly name: string; readonly fingerprint: string }[]
  /** Of all users: runs that are not over, and began with other code or hold newer records. */
  readonly behind: readonly RunBehind[]
  readonly lookedAt: number
  /** There are more runs in flight than were looked at. */
  readonly more: boolean
}

export async function versionsOf(parts: TroupeParts, options: { readonly limit?: number } = {}): Promise<Versions> {
  checkOptions('troupe.versions', options, ['limit'])
  const limit = checkWhole('troupe.versions', 'limit', options.limit ?? 1_000)
  const { orchestra, given } = parts
  const known = new Map([...given.agents].map(([name, agent]) => [name, agent.fingerprint]))
  const { runs, lookedAt, more } = await runsBehind(orchestra.parts, known, limit)
  const { form } = orchestra.parts.journals
  const latest = new Map(migrations.map((migration) => [migration.room, migration]))
  return {
    build,
    journal: { writes: form, reads: form },
    schemas: [...latest.values()].map(({ room, version, lowestReader }) => ({ room, version, lowestReader })),
    agents: [...known].map(([name, fingerprint]) => ({ name, fingerprint })),
    behind: runs,
    lookedAt,
    more,
  }
}
