/** A run started from outside: over a team that the troupe knows by name, or one that the request puts together. */
import { z } from 'zod'
import type { Run } from '../../orchestration/index.ts'
import { teamOf } from '../../runtime/index.ts'
import type { Call } from '../route.ts'
import { given } from './shapes.ts'

export const topologyOf = z
  .union([z.string(), z.looseObject({})], { error: 'it is a name, or a team as JSON' })
  .describe('The name of a registered topology, or one as JSON over registered agents.')

export const startBody = z.strictObject({
  id: z.string().optional().describe('Starting again with the id of a run gives that run.'),
  task: z.unknown(),
  topology: topologyOf.optional(),
  agent: z.string().optional().describe('In place of a topology: one registered agent alone.'),
  team: z.string().optional().describe('A registered topology, or else the agent of this name.'),
  config: z.looseObject({}).optional(),
  tags: z.array(z.string()).max(100).optional(),
})
export type StartBody = z.infer<typeof startBody>

export function startRun(
  call: Pick<Call<unknown, unknown, StartBody>, 'orchestra' | 'parts' | 'body' | 'once'>,
): Promise<Run> {
  const { orchestra, parts, body, once } = call
  const { id = once, task, config, tags } = body
  return orchestra.start({ task, topology: teamOf(parts, body), ...given({ id, config, tags }) } as Parameters<
    typeof orchestra.start
  >[0])
}
