/** Puts the orchestra of a troupe together from what the runtime hands over. */
import type { Events } from '../../core/index.ts'
import type { Blobs } from '../../storage/index.ts'
import type { NamedScores } from '../evaluation/score-answer.ts'
import { OrchestraHost } from './orchestra-host.ts'
import type { OrchestraParts } from './parts.ts'
import { createRunBudgets } from './run-budget.ts'
import { type Known, teamNames } from './run-code.ts'
import { createRunCommands } from './run-commands.ts'
import { spanOf } from './run-spans.ts'
import { createRunStore } from './run-store.ts'

export type GivenParts = Omit<
  OrchestraParts,
  'store' | 'commands' | 'teamOf' | 'scores' | 'budgets' | 'announce' | 'live' | 'children' | 'onLost'
> & {
  readonly events: Events
  readonly scores?: NamedScores
  readonly blobs: Blobs
  /** Who this process is, for those who share the storage. */
  readonly holder: () => string
}

/** Event types that observers of a troupe hear of, with the fields that hold no payload. */
const said = ['branch', 'step', 'agent', 'node', 'barrier', 'question', 'attempt', 'kind', 'as', 'reason']

export function createOrchestra(given: GivenParts, known: Known): OrchestraHost {
  const { events, holder, blobs, scores = {}, ...parts } = given
  const announce: OrchestraParts['announce'] = (userId, runId, trace, event) => {
    const plain = Object.fromEntries(
      Object.entries(event).filter(([name, value]) => said.includes(name) && value !== undefined),
    )
    const { type, at, seq, path } = event
    events.emit({ type, at, userId, runId, seq, trace, path, ...spanOf(userId, runId, event), ...plain })
  }
  return new OrchestraHost(
    (host) => ({
      ...parts,
      ...host,
      announce,
      store: createRunStore(parts.storage, { node: holder, form: parts.journals.form, mark: blobs.mark }),
      scores,
      teamOf: teamNames(known),
      commands: createRunCommands(parts.storage, parts.inbox, parts.audit),
      budgets: createRunBudgets(parts.storage.dialect),
    }),
    known,
  )
}
