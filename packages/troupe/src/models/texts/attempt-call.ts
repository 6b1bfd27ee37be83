/** Calls of embedding and reranking models: attempts behind the gate of the model, and an event for each attempt. */
import type { Clock, Events, Random, UserId } from '../../core/index.ts'
import { failure, sleep, TroupeError } from '../../core/index.ts'
import { retry, withTimeLimit } from '../../resilience/index.ts'
import { unstreamedMs } from '../idle-limit.ts'
import { thrownByModel, verdictOf } from '../model-failure.ts'
import { longestPauseMs, type ModelGate } from '../model-gates.ts'

export interface AttemptParts {
  readonly clock: Clock
  readonly random: Random
  readonly events: Events
  readonly caller: {
    /** The number of attempts may change while the troupe runs. */
    readonly attempts: number
    /** Removes secrets from the error messages of providers. */
    readonly redact?: (text: string) => string
  }
}

interface AttemptedCall {
  readonly event: 'model.embedded' | 'model.reranked'
  /** `provider/model`. */
  readonly model: string
  readonly gate: ModelGate
  readonly user: UserId
  readonly signal?: AbortSignal | undefined
  /** The timeout of one attempt, in ms; 10 minutes by default. */
  readonly timeoutMs?: number | undefined
}

/** An answer with the fields of its event. */
export interface Attempted<Out> {
  readonly answer: Out
  readonly fields: { readonly texts: number; readonly inputTokens?: number; readonly cost?: number }
}

/**
 * @param ask gets a signal that aborts at the timeout and with the caller's own signal
 * @param check rejects an answer that is not usable; it is not asked for again
 * @throws ExternalServiceError `model.failed`, TimeoutError, the errors of the gate, those of `check`, and CancelledError
 */
export async function attemptCall<Out>(
  { clock, random, events, caller }: AttemptParts,
  { event, model, gate, user, signal, timeoutMs = unstreamedMs }: AttemptedCall,
  ask: (signal: AbortSignal) => Promise<Attempted<Out>>,
  check: (answer: Out) => void,
): Promise<Out> {
  const { attempts, redact = (text: string) => text } = caller
  const limit = { clock, limitMs: timeoutMs, kind: 'model', what: `The model ${model}`, signal }
  let made = 0
  let isRejectedByGate = true
  /** When the pause that the provider asked for ends. */
  let notBefore = 0
  const once = async () => {
    made++
    isRejectedByGate = false
    const began = clock.monotonic()
    const eventFields = { type: event, userId: user, model } as const
    try {
      const { answer, fields } = await withTimeLimit(limit, ask)
      events.emit({ ...eventFields, at: clock.now(), success: true, durationMs: clock.monotonic() - began, ...fields })
      check(answer)
      return answer
    } catch (thrown) {
      const code = thrown instanceof TroupeError ? thrown.code : (thrown as Error)?.name
      events.emit({ ...eventFields, at: clock.now(), success: false, durationMs: clock.monotonic() - began, code })
      const error = thrownByModel(thrown)
      const verdict = verdictOf(error, clock.now())
      if (verdict.kind === 'limited') gate.coolDown(verdict.afterMs ?? 1_000)
      if (verdict.kind === 'failed') notBefore = clock.monotonic() + (verdict.afterMs ?? 0)
      throw error
    }
  }
  const shouldRetry = (error: unknown) => {
    const verdict = verdictOf(error, clock.now())
    if (isRejectedByGate || (verdict.kind === 'failed' && (verdict.afterMs ?? 0) > longestPauseMs)) return false
    return verdict.kind === 'limited' || (verdict.kind === 'failed' && verdict.canRetry)
  }
  const passGate = async () => {
    isRejectedByGate = true
    const pause = notBefore - clock.monotonic()
    if (pause > 0) await sleep(clock, pause, signal)
    return gate.pass(once, signal)
  }
  try {
    return await retry({ attempts, when: shouldRetry, clock, random }).execute(passGate, { signal })
  } catch (error) {
    const isExhausted = error instanceof TroupeError && error.code === 'retries.exhausted'
    if (error instanceof TroupeError && !isExhausted) throw error
    const verdict = verdictOf(isExhausted ? error.cause : error, clock.now())
    const problem = 'problem' in verdict ? redact(verdict.problem) : 'it limits calls'
    throw failure('model.failed', { model, attempts: made, problem }, { cause: error })
  }
}
