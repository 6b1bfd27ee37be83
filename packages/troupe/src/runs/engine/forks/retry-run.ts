/**
 * Retries a failed run as a new run, a fork at the event before the failure. The failed run does not change: its result may
 * have been read, and its journal is closed.
 */
import { checkName, type UserId } from '../../../core/index.ts'
import { checkCeilings, type RunConfig, readRunLimits } from '../../../topology/index.ts'
import { PastRun } from '../../history/past-run.ts'
import type { OrchestraHost } from '../orchestra-host.ts'
import { findRetryPoint } from './find-retry-point.ts'
import { forkRun } from './fork-run.ts'

export interface RetryOptions {
  /** A failed step, or a branch for its last failed step. */
  readonly from?: string
  /** Replaces the limits of the run; its usage so far counts in them. */
  readonly budget?: RunConfig['budget']
  /** The id of the new run. */
  readonly id?: string
  /** Allows the retry to repeat `at-most-once` effects that began after the failure; false by default. */
  readonly repeat?: boolean
  readonly signal?: AbortSignal
}

export function retryRun(
  host: OrchestraHost,
  user: UserId,
  run: string,
  { from, budget = {}, id, repeat = false }: RetryOptions,
): Promise<string> {
  const asked = readRunLimits('retry.budget', budget)
  return host.fork(user, run, async (source) => {
    checkCeilings(
      asked,
      readRunLimits('config.budget', (source.pinned.topology.config as RunConfig | undefined)?.budget),
      host.parts.limits,
    )
    const { at, step } = await findRetryPoint(host.parts, user, PastRun.of(run, source.records), { from })
    const options = { at, repeat, ...(id === undefined ? {} : { id: checkName('run', id) }) }
    return forkRun(host.parts, user, source, options, {
      budget: asked,
      ...(step === undefined ? {} : { step }),
    })
  })
}
