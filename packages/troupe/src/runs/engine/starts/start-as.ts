/** Starts a run for an outside caller. */
import { construct, failure, type UserId } from '../../../core/index.ts'
import type { OrchestraHost } from '../orchestra-host.ts'
import { Run } from '../run.ts'
import type { StartSpec } from './start-run.ts'

/**
 * @param agent the agent as which the caller acts, which may see the response; the host by default
 * @throws AccessDeniedError `request.forbidden` for an agent that names a thread, because the messages are the user's
 */
export async function startAs(
  host: OrchestraHost,
  user: UserId,
  spec: StartSpec,
  agent: string | undefined,
): Promise<Run> {
  if (agent !== undefined && spec.threadId !== undefined)
    throw failure('request.forbidden', {
      operation: 'runs.start',
      problem: `they act as the agent ${agent}, and a thread belongs to its user`,
    })
  return Run[construct](host, user, await host.start(user, spec, undefined, agent))
}
