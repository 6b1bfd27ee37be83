/** Creates what executes agents outside of runs: the services of their steps, and sessions. */

import {
  type Agent,
  buildStepContext,
  createMemories,
  createSessions,
  createToolRecords,
  type Services,
  type ThreadMessages,
} from '../../agents/index.ts'
import type { JournalParts } from '../../journal/index.ts'
import { defineMessage } from '../../messaging/index.ts'
import type {
  AgentParts,
  CommunicationParts,
  Gate,
  RunParts,
  SecurityParts,
  SharedServices,
} from '../../operations/index.ts'
import type { DailyUsage } from '../../runs/index.ts'
import { type Sandboxes, threadWorkspace } from '../../sandbox/index.ts'
import { Access, type Roles } from '../../security/index.ts'
import type { BaseParts } from './open-base.ts'

/** The message type of the plain texts that agents send each other. */
const Text = defineMessage('text')

interface AgentSources {
  readonly security: SecurityParts
  readonly journal: JournalParts
  readonly ownership: Pick<RunParts, 'holder' | 'sharing'>
  readonly communication: CommunicationParts
  readonly threadMessages: ThreadMessages
  readonly sandboxes: Sandboxes
  /** Models and tools, which belong to the enclosing troupe if there is one. */
  readonly shared: SharedServices
}

/** Whether work may start, and what it may use. */
interface Admission {
  readonly gate: Gate
  readonly dailyUsage: DailyUsage | undefined
}

/** The rights of an agent in its steps: those of its definition, and of the agent that acts for it. */
export const agentAccess = (roles: Roles, agent: Agent, within: readonly Agent['access'][] = []): Access =>
  within.reduce((above, access) => new Access(access, roles, above), new Access(agent.access, roles))

export function createAgents(base: BaseParts, sources: AgentSources, admission: Admission): AgentParts {
  const services = servicesOf(base, sources)
  return { services, sessions: sessionsOf(base, sources, admission, services) }
}

/** The services that a step of an agent uses. */
function servicesOf(
  { platform, stores: { storage } }: BaseParts,
  { security, threadMessages, sandboxes, shared }: AgentSources,
): Services {
  return {
    platform,
    external: shared,
    records: { threadMessages, memories: createMemories({ storage }), toolRecords: createToolRecords({ storage }) },
    guard: security.guard,
    sandboxes,
    offers: new WeakMap(),
    limits: { timeouts: {} },
  }
}

function sessionsOf(
  { platform: { clock, random }, stores: { storage } }: BaseParts,
  { security, journal: { steps }, ownership, communication, sandboxes, shared }: AgentSources,
  { gate, dailyUsage }: Admission,
  services: Services,
): AgentParts['sessions'] {
  const { roles, guard, audit } = security
  const { clients, mailboxes } = communication
  return createSessions({
    steps: {
      ...steps,
      admit: () => gate.check('Asking an agent'),
      execute: async (spec, program) => {
        gate.check('Asking an agent')
        return steps.execute(spec, program)
      },
    },
    storage,
    owner: ownership.sharing && ownership.holder,
    services,
    audit,
    ...(dailyUsage ? { budgetOf: dailyUsage.budget } : {}),
    contextOf: (recorder, { agent, name, thread, ask, over, within }) =>
      buildStepContext({
        agent: name,
        recorder,
        clock,
        random,
        clients: { ...clients(recorder, agentAccess(roles, agent, within), over?.context), ask },
        workspace: { sandboxes, name: threadWorkspace(thread), over },
        ...{ guard, recording: shared.recording, vouches: agent.source !== undefined },
      }),
    send: (user, from, to, content) =>
      mailboxes.messages({ user, agent: from.name, access: agentAccess(roles, from) }).send(Text, content, { to }),
  })
}
