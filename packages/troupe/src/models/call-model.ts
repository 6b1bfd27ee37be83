/** Calls a chain of models: bounded attempts with the pauses that the provider asks for, then the next model. */
import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4ToolChoice,
  SharedV4ProviderMetadata,
} from '@ai-sdk/provider'
import { failure, type Json, milliseconds, type Platform, sleep, TroupeError } from '../core/index.ts'
import { type Backoff, backoffDelay, withTimeLimit } from '../resilience/index.ts'
import { readAnswerParts, readUsage, withinBounds } from './answers/read-answer.ts'
import { type LiveText, type ResponseNames, readStream, type StreamedAnswer } from './answers/read-stream.ts'
import { unstreamedMs, withIdleLimit } from './idle-limit.ts'
import { invalidModelAnswer, thrownByModel, verdictOf } from './model-failure.ts'
import { limited, longestPauseMs, type ModelGate } from './model-gates.ts'
import type { ModelAnswer, ModelCall } from './models-port.ts'
import type { createPrices } from './prices.ts'
import type { ToolChoice } from './settings/call-settings.ts'
import { carriedSettings } from './settings/with-settings.ts'

const defaultAttempts = 3
export const defaultIdle = '5m'
/** Rate limits are not failures: they may be retried more often, but not without a bound. */
const maxPauses = 6
const backoff: Backoff = { baseMs: 500, maxMs: 8_000 }

export interface ModelCallParts {
  readonly platform: Pick<Platform, 'clock' | 'random' | 'events'>
  readonly prices: ReturnType<typeof createPrices>
  /** Attempts of one model before the next one of the chain; 3 by default. */
  readonly attempts?: number
  /** How long a stream may be silent, in ms. */
  readonly idleMs?: number
  /** Removes secrets from the error messages of providers. */
  readonly redact?: (text: string) => string
}

export interface Candidate {
  readonly name: string
  readonly model: LanguageModelV4
  readonly gate: ModelGate
}

/** @throws the typed error of this model, or CancelledError */
export async function callModel(
  caller: ModelCallParts,
  candidate: Candidate,
  call: ModelCall,
  live: LiveText | undefined,
): Promise<ModelAnswer> {
  const { name, gate } = candidate
  const { redact = (text) => text } = caller
  const { clock, random, events } = caller.platform
  let failures = 0
  let pauses = 0
  const retried = (reason: 'limited' | 'failed', pauseMs: number) => {
    const attempt = failures + pauses + 1
    events.emit({ type: 'model.retried', at: clock.now(), userId: call.user, model: name, attempt, pauseMs, reason })
  }
  for (;;) {
    let began: number | undefined
    try {
      return await gate.pass(() => {
        began = clock.monotonic()
        live?.begin()
        return events.spanned(() => observed(caller, candidate, call, live))
      }, call.signal)
    } catch (error) {
      // The model was not asked: its circuit is open, its queue is full, or its provider asked for a pause.
      if (began === undefined) throw error
      const verdict = verdictOf(error, clock.now())
      if (verdict.kind === 'stop') throw error
      if (verdict.kind === 'rejected') {
        const problem = redact(verdict.problem)
        const code = verdict.isTooLong ? 'model.too_long' : 'model.rejected'
        throw failure(code, { model: name, status: verdict.status, problem }, { cause: error })
      }
      if (verdict.kind === 'limited') {
        const pause = verdict.afterMs || backoffDelay(backoff, pauses + 1, random)
        gate.coolDown(pause)
        if (pause > longestPauseMs || ++pauses >= maxPauses) throw limited(name, pause, error)
        retried('limited', pause)
        continue
      }
      failures++
      const { afterMs = 0 } = verdict
      if (!verdict.canRetry || afterMs > longestPauseMs || failures >= (caller.attempts ?? defaultAttempts)) {
        if (error instanceof TroupeError && error.name === 'TimeoutError') throw error
        const problem = redact(verdict.problem)
        throw failure('model.failed', { model: name, attempts: failures, problem }, { cause: error })
      }
      const pause = Math.max(afterMs, backoffDelay(backoff, failures, random))
      retried('failed', pause)
      await sleep(clock, pause, call.signal)
    }
  }
}

interface Attempted {
  readonly answer: ModelAnswer
  /** The settings that the AI SDK left out of the request. */
  readonly ignored: readonly string[]
  readonly response: ResponseNames | undefined
}

async function attempt(
  caller: ModelCallParts,
  { name, model }: Candidate,
  call: ModelCall,
  live: LiveText | undefined,
): Promise<Attempted> {
  const limit = {
    clock: caller.platform.clock,
    limitMs: call.timeoutMs ?? (live ? undefined : unstreamedMs),
    kind: 'model',
    what: `The model ${name}`,
    signal: call.signal,
  }
  return withTimeLimit(limit, async (signal) => {
    const answered = live
      ? streamed(caller, { name, model }, call, live, signal)
      : generated(model, optionsOf(call, signal))
    const partial = await answered.catch((thrown: unknown) => {
      throw thrownByModel(thrown)
    })
    const { content, cut } = withinBounds(readAnswerParts(partial.content))
    const usage = readUsage(partial.usage, call.prompt, content)
    // A stream that was cut off may close normally. Its provider then reports no finish reason.
    if (!cut && (partial.finish === 'interrupted' || (partial.finish === 'other' && content.length === 0)))
      throw invalidModelAnswer('the answer ended before its end')
    const cost = caller.prices.costOf(name, usage)
    const logprobs = call.logprobs ? logprobsOf(partial.metadata) : undefined
    const finish = (cut ? 'length' : partial.finish) as ModelAnswer['finish']
    const ignored = (partial.warnings ?? []).flatMap((one) => (one.type === 'unsupported' ? [one.feature] : []))
    const answer = {
      content,
      finish,
      usage,
      model: name,
      ...(cost === undefined ? {} : { cost }),
      ...(logprobs === undefined ? {} : { logprobs }),
    }
    live?.end()
    return { answer, ignored, response: partial.response }
  })
}

function streamed(
  { platform: { clock }, idleMs = milliseconds(defaultIdle, 'models.idle') }: ModelCallParts,
  { name, model }: Pick<Candidate, 'name' | 'model'>,
  call: ModelCall,
  live: LiveText,
  outer: AbortSignal,
): Promise<StreamedAnswer> {
  return withIdleLimit({ clock, limitMs: idleMs, model: name, signal: outer }, async (signal, onActivity) => {
    const answered = await model.doStream(optionsOf(call, signal))
    return readStream(
      answered?.stream,
      signal,
      (kind, delta) => (signal.aborted ? undefined : live[kind](delta)),
      onActivity,
    )
  })
}

async function generated(model: LanguageModelV4, options: LanguageModelV4CallOptions): Promise<StreamedAnswer> {
  const {
    content,
    finishReason,
    usage,
    providerMetadata: metadata,
    warnings,
    response,
  } = await model.doGenerate(options)
  const finish = finishReason?.unified ?? 'other'
  return { content, usage: usage ?? {}, finish, warnings, response, ...(metadata ? { metadata } : {}) }
}

/** Each provider reports log probabilities in its own fields. */
function logprobsOf(metadata: SharedV4ProviderMetadata | undefined): Json | undefined {
  const found = Object.values(metadata ?? {}).find(({ logprobs }) => logprobs !== undefined)?.logprobs
  return found === undefined ? undefined : (JSON.parse(JSON.stringify(found)) as Json)
}

function optionsOf(call: ModelCall, abortSignal: AbortSignal): LanguageModelV4CallOptions {
  const { prompt, tools, toolChoice, temperature, topP, seed, responseFormat, maxOutputTokens, stop, reasoning } = call
  const providerOptions = carriedSettings(call)
  return {
    prompt,
    abortSignal,
    ...(tools && tools.length > 0 ? { tools } : {}),
    ...(toolChoice && tools && tools.length > 0 ? { toolChoice: choiceOf(toolChoice) } : {}),
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { topP }),
    ...(seed === undefined ? {} : { seed }),
    ...(responseFormat ? { responseFormat } : {}),
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
    ...(stop ? { stopSequences: [...stop] } : {}),
    ...(reasoning ? { reasoning: reasoning.effort } : {}),
    ...(providerOptions ? { providerOptions } : {}),
  }
}

const choiceOf = (choice: ToolChoice): LanguageModelV4ToolChoice =>
  typeof choice === 'string' ? { type: choice } : { type: 'tool', toolName: choice.tool }

/** Makes one attempt and emits its event. */
async function observed(
  caller: ModelCallParts,
  candidate: Candidate,
  call: ModelCall,
  live: LiveText | undefined,
): Promise<ModelAnswer> {
  const { clock, events } = caller.platform
  const began = clock.monotonic()
  const eventFields = { type: 'model.called', userId: call.user, model: candidate.name } as const
  try {
    const { answer, ignored, response } = await attempt(caller, candidate, call, live)
    const { usage, finish, cost, content } = answer
    const usageFields = {
      ...usage,
      finish,
      ...(cost === undefined ? {} : { cost }),
      ...(ignored.length > 0 ? { ignored } : {}),
      ...(response?.id === undefined ? {} : { responseId: response.id }),
      ...(response?.modelId === undefined ? {} : { responseModel: response.modelId }),
    }
    events.emit(
      { ...eventFields, at: clock.now(), success: true, durationMs: clock.monotonic() - began, ...usageFields },
      () => ({
        input: call.prompt,
        output: content,
      }),
    )
    return answer
  } catch (error) {
    const code = error instanceof TroupeError ? error.code : (error as Error)?.name
    const durationMs = clock.monotonic() - began
    events.emit({ ...eventFields, at: clock.now(), success: false, durationMs, code }, () => ({ input: call.prompt }))
    throw error
  }
}
