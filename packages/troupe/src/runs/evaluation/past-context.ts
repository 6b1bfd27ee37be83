/** The context of a user at the start of a run, and its reconstruction for another execution. */
import { type Audience, type Entry, type HistoryEntry, hostName, type PushOptions } from '../../context/index.ts'
import { duration, type Json, type UserId } from '../../core/index.ts'
import { journalOwnerOf } from '../../journal/index.ts'
import type { OrchestraParts } from '../engine/orchestra-parts.ts'
import type { RunRow } from '../engine/store/run-store.ts'
import { dataAccessOf } from '../history/data-access.ts'
import type { PastRun } from '../history/past-run.ts'
import type { EvaluationTroupe } from './evaluation-troupe.ts'

interface EntryThen {
  readonly key: string
  readonly value: Json
  readonly owner: string
  readonly options: PushOptions
}

export interface PastContext {
  readonly entries: readonly EntryThen[]
  /** The keys whose version at that time is no longer stored. */
  readonly missingKeys: readonly string[]
}

const page = 500
const pageOfHistory = 100

/**
 * Returns the present entries with their versions at that time. For deleted entries it uses the values that the run has
 * read.
 */
export async function pastContext(
  parts: OrchestraParts,
  user: UserId,
  { run, createdAt }: RunRow,
  past: PastRun,
): Promise<PastContext> {
  const context = parts.agents.mesh.host(user)
  const isLater = ({ updatedAt, provenance }: Entry) =>
    Date.parse(updatedAt) > createdAt || journalOwnerOf(provenance.stepId ?? '')?.run === run
  const entries = new Map<string, EntryThen>()
  const seen = new Set<string>()
  const missingKeys: string[] = []
  for await (const entry of await context.list({ limit: page })) {
    seen.add(entry.key)
    let then: Entry | undefined = entry
    if (isLater(entry)) {
      const versions: HistoryEntry[] = []
      for await (const version of await context.history(entry.key, { limit: pageOfHistory })) versions.push(version)
      const last = versions.filter((version) => !isLater(version)).at(-1)
      then = last?.ended === 'replaced' ? last : undefined
      if (!last && (versions[0]?.version ?? 1) > 1) missingKeys.push(entry.key)
    }
    if (then && !isOver(then, createdAt)) entries.set(then.key, entryThen(then, createdAt))
  }
  const { reads, writes } = (
    await dataAccessOf({ user, past, journals: parts.journal.journals, context }, past.events.length)
  ).context
  const own = new Set(writes.map(({ key, version }) => `${version} ${key}`))
  for (const { key, version, value } of reads) {
    if (seen.has(key) || own.has(`${version} ${key}`)) continue
    seen.add(key)
    if (value !== undefined) entries.set(key, { key, value, owner: hostName, options: {} })
  }
  return { entries: [...entries.values()], missingKeys }
}

const isOver = ({ expiresAt }: Entry, at: number) => expiresAt !== undefined && Date.parse(expiresAt) <= at

const entryThen = ({ key, value, owner, audience, writers, expiresAt, metadata }: Entry, at: number): EntryThen => ({
  key,
  value,
  owner,
  options: {
    ...audienceOptions(audience),
    writers,
    ...(expiresAt === undefined ? {} : { ttl: duration(Date.parse(expiresAt) - at) }),
    ...(metadata ? { metadata } : {}),
  },
})

const audienceOptions = (audience: Audience): PushOptions => (typeof audience === 'string' ? { audience } : audience)

/** Agents follow the topics that they follow now. */
export async function layOut(
  { entries }: PastContext,
  evaluationTroupe: EvaluationTroupe,
  { agents: { mesh } }: OrchestraParts,
  user: UserId,
  agents: Iterable<string>,
): Promise<void> {
  for (const { key, value, owner, options } of entries)
    await evaluationTroupe.context(user, owner).push(key, value, options)
  for (const agent of agents) {
    const topics = await mesh.agent(user, agent).topics()
    if (topics.length > 0) await evaluationTroupe.context(user, agent).subscribe(topics)
  }
}
