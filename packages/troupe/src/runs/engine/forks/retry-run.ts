/**
 * Tries a failed run again, as a run of its own: the failed one stays as others have seen it, its result read, its caller
 * answered, its journal closed. The new one is a fork at the event before the failure.
 */
import { checkName, type UserId } from '../../../core/index.ts'
import { checkCeilings, type RunConfig, readRunLimits } from '../../../topology/index.ts'
import { PastRun } from '../../history/past-run.ts'
import type { OrchestraHost } from '../orchestra-host.ts'
import { findRetryPoint } from './find-retry-point.ts'
import { forkRun } from './fork-run.ts'

export interface RetryOptions {
  /** A step that failed, or a branch: its last one that failed. */
  readonly from?: string
  /** In place of the run's own limits; what it had used counts in them. */
  readonly budget?: RunConfig['budget']
  /** Of the new run. */
  readonly id?: string
  /** Carries out `at-most-once` effects once more that were begun after the failure; false by default, which rejects them. */
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
