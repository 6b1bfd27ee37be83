/** Starts a run for a caller from outside. */
import { construct, type UserId } from '../../../core/index.ts'
import type { OrchestraHost } from '../orchestra-host.ts'
import { Run } from '../run.ts'
import type { StartSpec } from './start-run.ts'

/** @param agent as which the caller acts; the host where absent. It may see what the run answers */
export const startAs = async (
  host: OrchestraHost,
  user: UserId,
  spec: StartSpec,
  agent: string | undefined,
): Promise<Run> => Run[construct](host, user, await host.start(user, spec, undefined, agent))
