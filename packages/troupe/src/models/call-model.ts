/** One call over a chain of models: bounded attempts, pauses as the provider asks, then the next model. */
import type { LanguageModelV4, LanguageModelV4CallOptions } from '@ai-sdk/provider'
import { type Clock, type Events, failure, type Random, sleep, type TroupeError } from '../core/index.ts'
import { type Backoff, backoffDelay, type CircuitBreaker, withTimeLimit } from '../resilience/index.ts'
import { verdictOf } from './model-failure.ts'
import type { ModelAnswer, ModelCall } from './models-port.ts'
import type { createPrices } from './prices.ts'
import { readContent, readUsage } from './read-answer.ts'
import { type LiveText, readStream } from './read-stream.ts'

const maxFailures = 3
/** Limits are no failures: they may come more often, but not for ever. */
const maxLimited = 6
/** A provider that wants a longer pause is passed over. */
const longestPauseMs = 60_000
const backoff: Backoff = { baseMs: 500, maxMs: 8_000 }

export interface Caller {
  readonly clock: Clock
  readonly random: Random
  readonly events: Events
  readonly prices: ReturnType<typeof createPrices>
}

export interface Candidate {
  readonly name: string
  readonly model: LanguageModelV4
  readonly breaker: CircuitBreaker
}

/** @throws the typed error of this candidate, or CancelledError */
export async function callModel(
  caller: Caller,
  candidate: Candidate,
  call: ModelCall,
  live: LiveText | undefined,
): Promise<ModelAnswer> {
  let failures = 0
  let limited = 0
  for (;;) {
    const began = caller.clock.monotonic()
    try {
      live?.begin()
      const answer = await candidate.breaker.execute(() => attempt(caller, candidate, call, live))
      report(caller, candidate, call, { success: true, durationMs: caller.clock.monotonic() - began, ...answer.usage })
      return answer
    } catch (error) {
      if ((error as TroupeError).code === 'model.circuit_open') throw error
      report(caller, candidate, call, { success: false, durationMs: caller.clock.monotonic() - began })
      const verdict = verdictOf(error, caller.clock.now())
      const { name } = candidate
      if (verdict.kind === 'stop') throw error
      if (verdict.kind === 'refused')
        throw failure(
          'model.refused',
          { model: name, status: verdict.status, problem: verdict.problem },
          { cause: error },
        )
      if (verdict.kind === 'limited') {
        const pause = verdict.afterMs ?? backoffDelay(backoff, ++limited, caller.random)
        if (verdict.afterMs !== undefined) limited++
        if (pause > longestPauseMs || limited >= maxLimited)
          throw failure('model.limited', { model: name, seconds: Math.ceil(pause / 1_000) }, { cause: error })
        await sleep(caller.clock, pause, call.signal)
        continue
      }
      failures++
      if (!verdict.again || failures >= maxFailures) {
        if ((error as Error).name === 'TimeoutError') throw error
        throw failure('model.failed', { model: name, attempts: failures, problem: verdict.problem }, { cause: error })
      }
      await sleep(caller.clock, backoffDelay(backoff, failures, caller.random), call.signal)
    }
  }
}

async function attempt(
  caller: Caller,
  { name, model }: Candidate,
  call: ModelCall,
  live: LiveText | undefined,
): Promise<ModelAnswer> {
  const limit = {
    clock: caller.clock,
    limitMs: call.timeoutMs,
    kind: 'model',
    what: `The model ${name}`,
    signal: call.signal,
  }
  return withTimeLimit(limit, async (signal) => {
    const options = optionsOf(call, signal)
    let content: unknown
    let finish: string
    let usage: ReturnType<typeof readUsage>
    if (live) {
      const { stream } = await model.doStream(options)
      const collected = await readStream(stream, signal, (kind, delta) =>
        signal.aborted ? undefined : live[kind](delta),
      )
      content = collected.content
      finish = collected.finish
      usage = readUsage(collected.usage)
    } else {
      const result = await model.doGenerate(options)
      content = result.content
      finish = result.finishReason?.unified ?? 'other'
      usage = readUsage(result.usage)
    }
    const { cachedTokens, ...counted } = usage
    const cost = caller.prices.costOf(name, { ...counted, cachedTokens })
    const answer = {
      content: readContent(content),
      finish: finish as ModelAnswer['finish'],
      usage: counted,
      model: name,
    }
    return cost === undefined ? answer : { ...answer, cost }
  })
}

function optionsOf(call: ModelCall, abortSignal: AbortSignal): LanguageModelV4CallOptions {
  const { prompt, tools, toolChoice, temperature, topP, seed, responseFormat, maxOutputTokens, stop } = call
  return {
    prompt,
    abortSignal,
    ...(tools && tools.length > 0 ? { tools } : {}),
    ...(toolChoice ? { toolChoice } : {}),
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { topP }),
    ...(seed === undefined ? {} : { seed }),
    ...(responseFormat ? { responseFormat } : {}),
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
    ...(stop ? { stopSequences: [...stop] } : {}),
  }
}

function report(
  caller: Caller,
  { name }: Candidate,
  call: ModelCall,
  figures: Readonly<Record<string, number | boolean>>,
): void {
  caller.events.emit({ type: 'model.called', at: caller.clock.now(), userId: call.user, model: name, ...figures })
}
