/** Computes the state of a run from its journal: the snapshot and each later event. */

import { finishNow, type Json, type UserId, type WorkInParts } from '../../../core/index.ts'
import { type JournalId, type JournalRecord, runJournal } from '../../../journal/index.ts'
import { evolve } from '../../machine/evolve.ts'
import type { Pinned } from '../../machine/machine-events.ts'
import { askedQuestions, type RunAccount } from '../../machine/run/run-account.ts'
import { loadState } from '../../machine/save-state.ts'
import { createState, type State } from '../../machine/state.ts'
import { viewOf } from '../../machine/state-view.ts'
import type { OrchestraParts } from '../orchestra-parts.ts'
import { readRecord } from '../store/run-record.ts'

interface Content {
  readonly snapshot: { readonly state: Json } | undefined
  readonly records: readonly JournalRecord[]
}

export const foldRun = (content: Content): Folded => finishNow(foldRunInParts(content))

/** The same in parts: the state of a run with thousands of branches takes longer than other work may wait. */
export function* foldRunInParts(content: Content): WorkInParts<Folded> {
  const saved = content.snapshot?.state as { state: Json; lastSeq: number; lastAt: number } | undefined
  const state = saved ? loadState(saved.state) : createState()
  let { lastSeq, lastAt } = saved ?? { lastSeq: 0, lastAt: 0 }
  for (const { at, body } of content.records) {
    const { events, first } = readRecord(body)
    if (!events || first === undefined) continue
    for (const event of events) {
      evolve(state, event)
      yield
    }
    lastSeq = first + events.length - 1
    lastAt = Math.max(lastAt, at)
  }
  return { state, pinned: viewOf(state).pinned, lastSeq, lastAt }
}

/** Returns undefined if the journal cannot be read or folded. */
export async function readCommittedState(
  journals: OrchestraParts['journal']['journals'],
  user: UserId,
  journal: JournalId,
): Promise<State | undefined> {
  try {
    const content = await journals.load(user, journal)
    return content && foldRun(content).state
  } catch {
    return undefined
  }
}

/** Returns the open questions of a run that is in progress. */
export async function readOpenQuestions(
  { journals }: Pick<OrchestraParts['journal'], 'journals'>,
  user: UserId,
  run: string,
): Promise<RunAccount['questions']> {
  const state = await readCommittedState(journals, user, runJournal(run))
  return state && viewOf(state).isAsking ? askedQuestions(state) : []
}

interface Folded {
  readonly state: State
  readonly pinned: Pinned
  readonly lastSeq: number
  readonly lastAt: number
}
