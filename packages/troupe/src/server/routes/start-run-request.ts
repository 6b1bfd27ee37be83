/** Reads the run that a request starts: of a registered team, of one agent, or with a topology as JSON. */
import { z } from 'zod'
import { type Run, readTeamRequest, type StartSpec, startAs } from '../../runs/index.ts'
import type { Call } from '../route.ts'
import { requestText, withoutUndefined } from '../schemas/request-schemas.ts'

/** The fields that name a team; at most one of the three. */
export const teamFields = {
  team: requestText.name.optional().describe('The name of a registered team, or else of a registered agent.'),
  agent: requestText.name.optional().describe('The name of a registered agent, which runs alone.'),
  topology: z
    .looseObject({}, { error: 'it must be a topology as JSON; a name is a team' })
    .optional()
    .describe('A topology as JSON, whose agents are names of registered agents.'),
}

export const startBody = z.strictObject({
  id: requestText.name.optional().describe('A start with the id of an existing run returns that run.'),
  task: z.unknown(),
  ...teamFields,
  config: z.looseObject({}).optional(),
  tags: z.array(requestText.name).max(100).optional(),
  threadId: requestText.name
    .optional()
    .describe('The thread that the run continues, one run at a time; with a team or an agent that the server has.'),
})
export type StartBody = z.infer<typeof startBody>

export function startRequestedRun(
  call: Pick<Call<unknown, unknown, StartBody>, 'agent' | 'parts' | 'user' | 'body' | 'idempotencyId'>,
): Promise<Run> {
  const { agent, parts, user, body, idempotencyId } = call
  const { id = idempotencyId, task, config, tags, threadId } = body
  const spec = { task, ...readTeamRequest(parts.settings, body), ...withoutUndefined({ id, config, tags, threadId }) }
  return startAs(parts.runs.orchestra, user, spec as StartSpec, agent)
}
