/** Assembles the parts that execute agents: sessions for one agent, the orchestra for runs of teams, and schedules. */
import {
  type Agent,
  buildStepContext,
  createMemories,
  createSessions,
  createToolRecords,
  type Services,
} from '../../agents/index.ts'
import { agentsByName, compiledTeams, type RevealedConfig } from '../../configuration/index.ts'
import { milliseconds, version } from '../../core/index.ts'
import { defineMessage } from '../../messaging/index.ts'
import type { SharedServices, TroupeParts } from '../../operations/index.ts'
import {
  createDailyUsage,
  createOrchestra,
  createSchedules,
  type Known,
  OnlineScoring,
  readLimits,
} from '../../runs/index.ts'
import { threadWorkspace } from '../../sandbox/index.ts'
import { Access, createErasureCheck } from '../../security/index.ts'
import type { CommonParts, DurableParts } from './open-durable-parts.ts'

/** The message type of the plain texts that agents send each other. */
const Text = defineMessage('text')

/** The services that a step of an agent uses. */
function servicesOf(parts: DurableParts & CommonParts & SharedServices): Services {
  const { clock, events, models, guard, policies, recording, toolSources } = parts
  return {
    clock,
    events,
    models,
    threadMessages: parts.threadMessages,
    memories: createMemories(parts),
    toolRecords: createToolRecords(parts),
    toolSources,
    guard,
    sandboxes: parts.sandboxes,
    timeouts: {},
    ...(policies ? { policies } : {}),
    ...(recording ? { recording } : {}),
  }
}

export function assembleTeams(
  config: RevealedConfig,
  parts: DurableParts & CommonParts & SharedServices & Pick<TroupeParts, 'apiKeys'> & { readonly holder: () => string },
): Pick<TroupeParts, 'services' | 'sessions' | 'orchestra' | 'schedules' | 'scoring'> & { readonly known: Known } {
  const { clock, random, storage, steps, mailboxes, mesh, clients, roles, recording, guard, audit } = parts
  // The rights of an agent in its steps: those of its definition, and of the agent that acts for it.
  const accessOf = (agent: Agent, within: readonly Agent['access'][] = []) =>
    within.reduce((above, access) => new Access(access, roles, above), new Access(agent.access, roles))
  const services = servicesOf(parts)
  const limits = readLimits(config.limits)
  const dailyUsage = createDailyUsage(parts, limits.perDay)
  const sessions = createSessions({
    steps: {
      ...steps,
      execute: async (spec, program) => {
        parts.gate.check('Asking an agent')
        return steps.execute(spec, program)
      },
    },
    storage,
    services,
    audit,
    ...(dailyUsage ? { budgetOf: dailyUsage.budget } : {}),
    contextOf: (recorder, { agent, name, thread, ask, over, within }) =>
      buildStepContext({
        agent: name,
        recorder,
        clock,
        random,
        clients: { ...clients(recorder, accessOf(agent, within), over?.context), ask },
        workspace: { sandboxes: parts.sandboxes, name: threadWorkspace(thread), over },
        ...{ guard, recording, vouches: agent.source !== undefined },
      }),
    send: (user, from, to, content) =>
      mailboxes.clients({ user, agent: from.name, access: accessOf(from) }).messages.send(Text, content, { to }),
  })
  const known: Known = {
    agents: agentsByName(config.agents ?? []),
    teams: compiledTeams(config.teams ?? {}),
  }
  const orchestra = createOrchestra(
    {
      ...parts,
      build: version,
      limits: limits.run,
      ...(dailyUsage ? { dailyUsage } : {}),
      redact: parts.redactor.redact,
      leaseMs: milliseconds(config.lease ?? '10s', 'lease'),
      scores: config.evaluation?.scores ?? {},
      services,
      erasureError: createErasureCheck(parts.bare),
      clients: (recorder, agent, over, within) => clients(recorder, accessOf(agent, within), over),
    },
    known,
  )
  const schedules = createSchedules(
    {
      ...parts,
      isGranted: (key, user) => parts.apiKeys.isGranted(key, user),
      context: (user) => mesh.host(user),
      written: (user, after) => mesh.written(user, after),
      mailbox: (user, agent) => mailboxes.clients({ user, agent, access: new Access() }).mailbox,
    },
    orchestra,
    known,
    config.schedules,
  )
  const { online } = config.evaluation ?? {}
  const scoring = online ? { scoring: new OnlineScoring(orchestra, online) } : {}
  return { services, sessions, orchestra, schedules, known, ...scoring }
}
