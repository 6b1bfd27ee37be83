/** Finds open runs that this build cannot continue, or not as they began: other code, or newer records. */
import { TroupeError, type UserId } from '../../core/index.ts'
import { runJournal } from '../../journal/index.ts'
import type { OrchestraParts } from '../engine/orchestra-parts.ts'
import { readRecord } from '../engine/store/run-record.ts'
import type { InputOf } from '../machine/machine-events.ts'

/** An open run that this build cannot continue as it began. */
export interface StaleRun {
  /** The id of the user. */
  readonly user: UserId
  /** The id of the run. */
  readonly run: string
  /** The process that owns the run: this one, another one, or none. */
  readonly holder: 'here' | 'other-process' | 'none'
  /** The version of its record format, if this build cannot read it; a newer build continues the run. */
  readonly newer?: number
  /** The agents whose code has changed since the run began. */
  readonly agents: readonly {
    /** The name of the agent. */
    readonly name: string
    /** The fingerprint of the agent at the start of the run. */
    readonly began: string
    /** The fingerprint of the agent in this process; absent if it has no such agent. */
    readonly here?: string
  }[]
}

export interface StaleRuns {
  readonly runs: readonly StaleRun[]
  /** The number of open runs that were checked. */
  readonly examined: number
  /** True if more runs are open than were checked. */
  readonly more: boolean
}

type Parts = Pick<OrchestraParts, 'journal' | 'stores'>
const page = 100

/** @param known the fingerprints of the agents of this process, by name */
export async function findStaleRuns(
  parts: Parts,
  known: ReadonlyMap<string, string>,
  limit: number,
): Promise<StaleRuns> {
  const runs: StaleRun[] = []
  let examined = 0
  for (let after: { readonly user: string; readonly run: string } | undefined; ; ) {
    const open = await parts.stores.store.open(page, after)
    for (const { user, run, form, holder } of open) {
      if (examined >= limit) return { runs, examined, more: true }
      examined++
      const newer = form > parts.journal.journals.form ? { newer: form } : await newerIn(parts, user, run)
      const agents = 'newer' in newer ? [] : await otherCode(parts, known, user, run)
      if ('newer' in newer || agents.length > 0) runs.push({ user, run, holder, ...newer, agents })
    }
    after = open.at(-1)
    if (open.length < page) return { runs, examined, more: false }
  }
}

/** Returns the form of the records, which the journal records itself. */
async function newerIn(
  { journal: { journals } }: Parts,
  user: UserId,
  run: string,
): Promise<{ readonly newer?: number }> {
  try {
    await journals.load(user, runJournal(run))
    return {}
  } catch (error) {
    if (!(error instanceof TroupeError) || error.code !== 'journal.newer') throw error
    return { newer: Number((error.details as { readonly found: number }).found) }
  }
}

async function otherCode(
  { journal: { journals } }: Parts,
  known: ReadonlyMap<string, string>,
  user: UserId,
  run: string,
) {
  const [first] = await journals.read(user, runJournal(run), 0, 1)
  const { input } = first ? readRecord(first.body) : {}
  const { pinned } = (input ?? {}) as Partial<InputOf<'start'>>
  return Object.entries(pinned?.fingerprints ?? {}).flatMap(([name, began]) => {
    const here = known.get(name)
    return here === began ? [] : [{ name, began, ...(here === undefined ? {} : { here }) }]
  })
}
