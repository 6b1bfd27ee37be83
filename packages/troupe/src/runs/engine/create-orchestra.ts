/** Creates the orchestra of a troupe from the services of the runtime. */
import type { Events } from '../../core/index.ts'
import type { Blobs } from '../../storage/index.ts'
import type { RunLimits } from '../../topology/index.ts'
import type { NamedScores } from '../evaluation/scorers/score-function.ts'
import { createSharedBudgets } from './budgets/shared-budgets.ts'
import { createRunCommands } from './commands/run-commands.ts'
import { publishedEvent } from './events/published-event.ts'
import { createRunBudgets } from './execution/run-budgets.ts'
import { OrchestraHost } from './orchestra-host.ts'
import type { OrchestraParts } from './orchestra-parts.ts'
import { resolveTeam } from './starts/resolve-team.ts'
import { type Known, teamNames } from './starts/run-code.ts'
import { createRunStore } from './store/run-store.ts'

export type OrchestraServices = Omit<
  OrchestraParts,
  | 'store'
  | 'commands'
  | 'teamOf'
  | 'resolveTeam'
  | 'scores'
  | 'limits'
  | 'budgets'
  | 'sharedBudgets'
  | 'announce'
  | 'live'
  | 'children'
  | 'onOwnershipLost'
  | 'suspendedMs'
  | 'wakeups'
> & {
  readonly events: Events
  readonly scores?: NamedScores
  readonly limits?: RunLimits
  readonly blobs: Blobs
  /** The name of this process for other processes with the same storage. */
  readonly holder: () => string
}

export function createOrchestra(services: OrchestraServices, known: Known): OrchestraHost {
  const { events, holder, blobs, scores = {}, limits = {}, ...parts } = services
  const announce: OrchestraParts['announce'] = (user, run, trace, event) =>
    events.emit(
      publishedEvent(user, run, trace, event),
      event.type === 'run.failed' ? () => ({ error: event.error }) : undefined,
    )
  return new OrchestraHost(
    parts.clock,
    (host) => ({
      ...parts,
      ...host,
      announce,
      store: createRunStore(parts.storage, { processId: holder, form: parts.journals.form, mark: blobs.mark }),
      scores,
      limits,
      teamOf: teamNames(known),
      resolveTeam: (reference, what) => resolveTeam(known, reference, what),
      commands: createRunCommands(parts.storage, parts.inbox, parts.audit),
      budgets: createRunBudgets(parts.storage),
      sharedBudgets: createSharedBudgets(parts.storage),
    }),
    known,
  )
}
