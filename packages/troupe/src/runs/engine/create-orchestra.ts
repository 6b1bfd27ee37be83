/** Creates the orchestra of a troupe from the services of the runtime. */
import type { Platform } from '../../core/index.ts'
import type { JournalParts } from '../../journal/index.ts'
import type { Roles } from '../../security/index.ts'
import type { Blobs } from '../../storage/index.ts'
import { createSharedBudgets } from './budgets/shared-budgets.ts'
import { createRunCommands } from './commands/run-commands.ts'
import { publishedEvent } from './events/published-event.ts'
import { createRunBudgets } from './execution/run-budgets.ts'
import { OrchestraHost } from './orchestra-host.ts'
import type { RunAgents, RunHostPorts, RunReporting, RunSettings, RunStores } from './orchestra-parts.ts'
import { resolveTeam } from './starts/resolve-team.ts'
import { type Known, teamNames } from './starts/run-code.ts'
import { createRunStore } from './store/run-store.ts'
import { createRunThreads } from './threads/run-threads.ts'

/** What the runtime provides; the engine adds its own stores, the teams and the host. */
export interface OrchestraServices {
  readonly platform: Platform
  readonly journal: JournalParts
  readonly stores: Pick<RunStores, 'storage' | 'endedRuns'> & {
    readonly blobs: Blobs
    /** Returns the name of this process for others that share the storage. */
    readonly holder: () => string
  }
  readonly agents: Omit<RunAgents, 'teamOf' | 'resolveTeam' | 'checkContext'> & {
    /** The capabilities that agents may have; absent if they are not checked. */
    readonly roles?: Roles
  }
  readonly settings: Omit<RunSettings, 'scores' | 'limits'> & Partial<Pick<RunSettings, 'scores' | 'limits'>>
  readonly reporting: RunReporting
}

export function createOrchestra(services: OrchestraServices, known: Known): OrchestraHost {
  const { platform, journal, stores, agents, settings, reporting } = services
  const { storage, endedRuns, blobs, holder } = stores
  const announce: RunHostPorts['announce'] = (user, run, trace, event) => {
    // The step has published it when the guardrail tripped, as a session does.
    if (event.type === 'guardrail.tripped') return
    platform.events.emit(
      publishedEvent(user, run, trace, event),
      event.type === 'run.failed' ? () => ({ error: event.error }) : undefined,
    )
  }
  return new OrchestraHost(
    platform.clock,
    (host) => ({
      platform,
      journal,
      stores: {
        storage,
        endedRuns,
        store: createRunStore(storage, { processId: holder, form: journal.journals.form, mark: blobs.mark }),
        commands: createRunCommands(storage, journal.inbox, reporting.audit),
        budgets: createRunBudgets(storage),
        sharedBudgets: createSharedBudgets(storage),
        threads: createRunThreads(storage, agents.services.records.threadMessages),
      },
      agents: {
        ...agents,
        checkContext: {
          models: agents.services.external.models,
          rules: agents.services.guard.rules,
          ...(agents.roles ? { roles: agents.roles } : {}),
          accepted: new WeakMap(),
        },
        teamOf: teamNames(known),
        resolveTeam: (reference, what) => resolveTeam(known, reference, what),
      },
      settings: { scores: {}, limits: {}, ...settings },
      host: { ...host, announce },
      reporting,
    }),
    known,
  )
}
