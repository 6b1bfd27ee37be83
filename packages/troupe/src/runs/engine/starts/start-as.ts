/** Starts a run for an outside caller. */
import { construct, type UserId } from '../../../core/index.ts'
import type { OrchestraHost } from '../orchestra-host.ts'
import { Run } from '../run.ts'
import type { StartSpec } from './start-run.ts'

/** @param agent the agent as which the caller acts, which may see the response; the host by default */
export const startAs = async (
  host: OrchestraHost,
  user: UserId,
  spec: StartSpec,
  agent: string | undefined,
): Promise<Run> => Run[construct](host, user, await host.start(user, spec, undefined, agent))
