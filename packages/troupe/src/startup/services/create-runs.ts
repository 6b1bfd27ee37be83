/** Creates what executes teams: the orchestra of their runs, schedules, and the scores of live runs. */

import { milliseconds, version } from '../../core/index.ts'
import type { JournalParts } from '../../journal/index.ts'
import type {
  AgentParts,
  CommunicationParts,
  Gate,
  RunParts,
  SecurityParts,
  ToolParts,
} from '../../operations/index.ts'
import {
  createOrchestra,
  createSchedules,
  type DailyUsage,
  type Known,
  OnlineScoring,
  type OrchestraHost,
  readLimits,
} from '../../runs/index.ts'
import { createErasureCheck } from '../../security/index.ts'
import { agentAccess } from './create-agents.ts'
import type { BaseParts } from './open-base.ts'

interface RunSources {
  readonly security: SecurityParts
  readonly journal: JournalParts
  readonly communication: CommunicationParts
  readonly agents: AgentParts
  readonly tools: Pick<ToolParts, 'evaluator'>
  readonly ownership: Pick<RunParts, 'endedRuns' | 'holder' | 'sharing'>
  /** Whether work may start, and what it may use. */
  readonly admission: { readonly gate: Gate; readonly dailyUsage: DailyUsage | undefined }
}

/** @param known the registered agents and teams */
export function createRuns(base: BaseParts, sources: RunSources, known: Known): RunParts {
  const orchestra = orchestraOf(base, sources, known)
  const { online } = base.config.evaluation ?? {}
  return {
    ...sources.ownership,
    orchestra,
    schedules: schedulesOf(base, sources, orchestra, known),
    ...(online ? { scoring: new OnlineScoring(orchestra, online) } : {}),
  }
}

function orchestraOf(base: BaseParts, sources: RunSources, known: Known): OrchestraHost {
  const { config, platform, stores, protection, observability } = base
  const { security, journal, communication, agents, ownership, admission } = sources
  const { storage, blobs, bare } = stores
  const { endedRuns, holder } = ownership
  const { roles, audit, callers } = security
  const { gate, dailyUsage } = admission
  return createOrchestra(
    {
      platform,
      journal,
      stores: { storage, blobs, endedRuns, holder },
      agents: {
        services: agents.services,
        roles,
        callers,
        mesh: communication.mesh,
        mailboxes: communication.mailboxes,
        clients: (recorder, agent, over, within) =>
          communication.clients(recorder, agentAccess(roles, agent, within), over),
      },
      settings: {
        gate,
        ...(dailyUsage ? { dailyUsage } : {}),
        build: version,
        limits: readLimits(config.limits).run,
        leaseMs: milliseconds(config.lease ?? '10s', 'lease'),
        scores: config.evaluation?.scores ?? {},
      },
      reporting: {
        log: observability.log,
        audit,
        redact: protection.redactor.redact,
        erasureError: createErasureCheck(bare),
      },
    },
    known,
  )
}

function schedulesOf(
  { config, platform, stores, observability }: BaseParts,
  { security, communication, tools }: RunSources,
  orchestra: OrchestraHost,
  known: Known,
): RunParts['schedules'] {
  const { mesh, mailboxes } = communication
  const { callers, apiKeys } = security
  return createSchedules(
    {
      platform,
      storage: stores.storage,
      log: observability.log,
      access: { callers, isGranted: (key, user) => apiKeys.isGranted(key, user) },
      sources: {
        times: (author, query) => tools.evaluator.times(author, query),
        context: (user) => mesh.host(user),
        written: (user, after) => mesh.written(user, after),
        matching: (author, pattern, keys) => mesh.matching(author, pattern, keys),
        mailbox: (user, agent) => mailboxes.mailbox(user, agent),
      },
    },
    orchestra,
    known,
    config.schedules,
  )
}
