/** Puts the orchestra of a troupe together from what the runtime hands over. */
import type { Events } from '../../core/index.ts'
import { type Known, OrchestraHost } from './orchestra-host.ts'
import type { OrchestraParts } from './parts.ts'
import { createRunBudgets } from './run-budget.ts'
import { createRunStore } from './run-store.ts'

export type GivenParts = Omit<OrchestraParts, 'store' | 'budgets' | 'announce' | 'live' | 'children' | 'onLost'> & {
  readonly events: Events
}

/** Event types that observers of a troupe hear of, with the fields that hold no payload. */
const said = ['branch', 'step', 'agent', 'node', 'barrier', 'question', 'attempt', 'kind', 'as', 'reason'] as const

export function createOrchestra(given: GivenParts, known: Known): OrchestraHost {
  const { events, ...parts } = given
  const announce: OrchestraParts['announce'] = (userId, runId, event) => {
    const fields = event as unknown as Readonly<Record<string, string | undefined>>
    const plain = Object.fromEntries(said.flatMap((name) => (fields[name] === undefined ? [] : [[name, fields[name]]])))
    events.emit({ type: event.type, at: event.at, userId, runId, seq: event.seq, ...plain })
  }
  return new OrchestraHost(
    (host) => ({
      ...parts,
      ...host,
      announce,
      store: createRunStore(parts.storage),
      budgets: createRunBudgets(parts.storage.dialect),
    }),
    known,
  )
}
