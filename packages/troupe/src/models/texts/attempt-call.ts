/** Calls of embedding and reranking models: attempts behind the gate of the model, and an event for each attempt. */
import type { Clock, Events, Random, UserId } from '../../core/index.ts'
import { failure } from '../../core/index.ts'
import { retry } from '../../resilience/index.ts'
import { verdictOf } from '../model-failure.ts'
import type { ModelGate } from '../model-gates.ts'

export interface AttemptParts {
  readonly clock: Clock
  readonly random: Random
  readonly events: Events
  /** The number of attempts may change while the troupe runs. */
  readonly caller: { readonly attempts: number }
}

interface AttemptedCall {
  readonly event: 'model.embedded' | 'model.reranked'
  /** `provider/model`. */
  readonly model: string
  readonly gate: ModelGate
  readonly user: UserId
  readonly signal?: AbortSignal | undefined
}

/** An answer with the fields of its event. */
export interface Attempted<Out> {
  readonly answer: Out
  readonly fields: { readonly texts: number; readonly inputTokens?: number; readonly cost?: number }
}

/**
 * @param check rejects an answer that is not usable; it is not asked for again
 * @throws ExternalServiceError `model.failed`, the errors of the gate, and those of `check`
 */
export async function attemptCall<Out>(
  { clock, random, events, caller: { attempts } }: AttemptParts,
  { event, model, gate, user, signal }: AttemptedCall,
  ask: () => Promise<Attempted<Out>>,
  check: (answer: Out) => void,
): Promise<Out> {
  const once = async () => {
    const began = clock.monotonic()
    const eventFields = { type: event, userId: user, model } as const
    try {
      const { answer, fields } = await ask()
      events.emit({ ...eventFields, at: clock.now(), success: true, durationMs: clock.monotonic() - began, ...fields })
      check(answer)
      return answer
    } catch (error) {
      events.emit({ ...eventFields, at: clock.now(), success: false, durationMs: clock.monotonic() - began })
      const verdict = verdictOf(error, clock.now())
      if (verdict.kind === 'limited') gate.coolDown(verdict.afterMs ?? 1_000)
      throw error
    }
  }
  const shouldRetry = (error: unknown) => {
    const verdict = verdictOf(error, clock.now())
    return verdict.kind === 'limited' || (verdict.kind === 'failed' && verdict.canRetry)
  }
  try {
    return await retry({ attempts, when: shouldRetry, clock, random }).execute(() => gate.pass(once, signal), {
      signal,
    })
  } catch (error) {
    const { code, cause } = error as { readonly code?: string; readonly cause?: unknown }
    if (typeof code === 'string' && code !== 'retries.exhausted' && !/^E[A-Z]+$/.test(code)) throw error
    const verdict = verdictOf(cause ?? error, clock.now())
    if (verdict.kind === 'stop') throw error
    const problem = 'problem' in verdict ? verdict.problem : 'it limits calls'
    throw failure('model.failed', { model, attempts: code === undefined ? 1 : attempts, problem }, { cause: error })
  }
}
