/**
 * The common part of each call of a context client: the signal is checked before the call, and a rejection is reported
 * once.
 */
import { checkSignal, signalOf } from '../core/index.ts'
import type { Signal } from './context-client.ts'
import type { Actor } from './entries/fragments.ts'
import type { MeshServices } from './mesh-services.ts'

interface ReportedCall {
  readonly mesh: MeshServices
  readonly actor: Actor
  /** The name of the call in the audit log. */
  readonly action: string
  readonly options: Signal
  /** A rejection that a replay answers was reported before. */
  readonly isReplayed?: ((error: unknown) => boolean) | undefined
}

/** Executes a call whose signal has not aborted; a rejection is one incident. */
export async function reportRejections<T>(
  { mesh, actor, action, options, isReplayed }: ReportedCall,
  run: (signal: AbortSignal | undefined) => T | Promise<T>,
): Promise<T> {
  const signal = signalOf('the call', options)
  checkSignal('the call', signal)
  try {
    return await run(signal)
  } catch (error) {
    if (!isReplayed?.(error)) mesh.core.incidents?.rejected(actor.user, actor.agent, action, error)
    throw error
  }
}
