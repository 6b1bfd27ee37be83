/** A step under the policy of its agent. A step that gives up its process gives up its place too. */
import type { UserId } from '../../core/index.ts'
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
 * What its policy would refuse is refused before anything of it is recorded: a flood costs no commits.
 * @throws the refusal
 */
export function checkAdmission({ external: { policies } }: Services, agent: string, user: UserId): void {
  const rejection = policies?.agents.of(agent)?.rejection?.({ key: user })
  if (rejection) throw rejection
}

/** Settles with the step, or when the signal aborts: the promise of a step that waits never settles by itself. */
function untilOver<Out>(run: () => Promise<Out>, signal: AbortSignal): Promise<Out> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    run()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', onAbort))
  })
}
