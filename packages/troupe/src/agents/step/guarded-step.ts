/** Executes a step under the policy of its agent. A parked step releases its slot in the policy. */
import { type UserId, whenAborted } from '../../core/index.ts'
import type { Recorder } from '../../journal/index.ts'
import type { Services } from '../services-port.ts'

export async function guardedStep<Out>(
  { external: { policies } }: Services,
  agent: string,
  recorder: Recorder,
  run: () => Promise<Out>,
): Promise<Out> {
  const policy = policies?.agents.of(agent)
  if (!policy) return run()
  const { signal, principal } = recorder
  return policy.execute(() => untilOver(run, signal), { signal, key: principal.userId })
}

/**
 * Rejects a step that its policy does not admit before anything is recorded, so that a flood causes no commits.
 * @throws the rejection of the policy
 */
export function checkAdmission({ external: { policies } }: Services, agent: string, user: UserId): void {
  const rejection = policies?.agents.of(agent)?.rejection?.({ key: user })
  if (rejection) throw rejection
}

/** Settles with the step, or when the signal aborts: the promise of a step that waits never settles by itself. */
function untilOver<Out>(run: () => Promise<Out>, signal: AbortSignal): Promise<Out> {
  return new Promise((resolve, reject) => {
    const stopWatching = whenAborted(signal, () => reject(signal.reason))
    run().then(resolve, reject).finally(stopWatching)
  })
}
