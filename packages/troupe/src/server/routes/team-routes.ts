/** Routes of registered teams and agents, and of running workers. */
import { z } from 'zod'
import { readTeamRequest, resolveTeam } from '../../runs/index.ts'
import type { RunConfig } from '../../topology/index.ts'
import { answers } from '../route.ts'
import { json, requestText } from '../schemas/request-schemas.ts'
import { teamFields } from './start-run-request.ts'

const finding = z.object({
  code: z.string(),
  severity: z.enum(['error', 'warning', 'advice']),
  location: z.string(),
  message: z.string(),
  remedy: z.string(),
})

export const teamRoutes = [
  answers({
    route: 'GET /v1/teams',
    name: 'teams.list',
    needsNoUser: true,
    operation: 'teams.read',
    role: 'readonly',
    agents: 'own',
    summary: 'List the registered teams.',
    answer: z.object({ items: z.array(z.object({ name: z.string(), agents: z.array(z.string()) })) }),
    handle: async ({ parts }) => ({
      items: [...parts.settings.teams].map(([name, { agents }]) => ({ name, agents: [...agents.keys()] })),
    }),
  }),
  answers({
    route: 'GET /v1/teams/:team',
    name: 'teams.get',
    needsNoUser: true,
    operation: 'teams.read',
    role: 'readonly',
    agents: 'own',
    summary: 'Show the topology of a team in its canonical form.',
    params: z.object({ team: requestText.name }),
    answer: z.object({ name: z.string(), topology: json }),
    handle: async ({ parts, params: { team } }) => ({
      name: team,
      topology: resolveTeam(parts.settings, { team }, 'The request').toJSON(),
    }),
  }),
  answers({
    route: 'POST /v1/check',
    name: 'teams.check',
    operation: 'teams.read',
    role: 'readonly',
    isRead: true,
    agents: 'own',
    summary: 'Check a team without running it, and list its problems.',
    body: z.strictObject({
      ...teamFields,
      config: z.looseObject({}).optional(),
    }),
    answer: z.object({ findings: z.array(finding) }),
    handle: async ({ orchestra, parts, body }) => {
      const team = resolveTeam(parts.settings, readTeamRequest(parts.settings, body), 'The request')
      const found = await orchestra.check(team, body.config as RunConfig | undefined)
      return { findings: found.map((one) => ({ ...one })) }
    },
  }),
  answers({
    route: 'GET /v1/agents',
    name: 'agents.list',
    needsNoUser: true,
    operation: 'agents.list',
    role: 'readonly',
    agents: 'own',
    summary: 'List the registered agents, which runs can name.',
    answer: z.object({ items: z.array(z.object({ name: z.string() })) }),
    handle: async ({ parts }) => ({ items: [...parts.settings.agents.keys()].map((name) => ({ name })) }),
  }),
  answers({
    route: 'GET /v1/presence',
    name: 'agents.presence',
    operation: 'agents.list',
    role: 'readonly',
    agents: 'own',
    summary: 'List the active workers of the user, in all processes.',
    answer: z.object({
      items: z.array(
        z.object({
          id: z.string(),
          name: z.string(),
          role: z.string(),
          topics: z.array(z.string()),
          processId: z.string(),
        }),
      ),
    }),
    handle: async ({ parts, user }) => {
      const present = await parts.communication.presence.list(user)
      return { items: present.map((one) => ({ ...one, topics: [...one.topics] })) }
    },
  }),
]
