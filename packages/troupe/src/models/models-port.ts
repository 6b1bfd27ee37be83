/** What the other rooms ask of language models: one call over a chain of models, with usage and cost. */
import type { LanguageModelV4, LanguageModelV4CallOptions, LanguageModelV4Content } from '@ai-sdk/provider'
import type { UserId } from '../core/index.ts'

/** Any OpenAI-compatible URL, e.g. of a local server. */
export interface CompatibleModel {
  readonly url: string
  readonly model: string
  readonly apiKey?: string
}

/** `'provider/model'`, an AI SDK model object of specification v4, or an OpenAI-compatible URL. */
export type ModelSpec = string | LanguageModelV4 | CompatibleModel

/** US dollars per million tokens. */
export interface Price {
  readonly input: number
  readonly output: number
  /** Of input tokens read from the provider's cache; the price of input where absent. */
  readonly cacheRead?: number
}

export interface ModelUsage {
  readonly inputTokens: number
  readonly outputTokens: number
}

/** What a model is asked. */
export interface ModelCall
  extends Pick<
    LanguageModelV4CallOptions,
    'prompt' | 'tools' | 'toolChoice' | 'temperature' | 'topP' | 'seed' | 'responseFormat'
  > {
  readonly user: UserId
  readonly maxOutputTokens?: number
  readonly stop?: readonly string[]
  readonly signal?: AbortSignal
  /** Of one attempt, in ms. */
  readonly timeoutMs?: number
  /** An equal question of the same user is answered from the cache, for an hour. */
  readonly cache?: boolean
  /** Told of the answer as it comes; the model is streamed then. */
  readonly onPart?: (part: LivePart) => void
}

/** A piece of an answer on its way. `reset` says that the text so far is void: another attempt begins. */
export type LivePart =
  | { readonly type: 'text-delta'; readonly delta: string }
  | { readonly type: 'reasoning-delta'; readonly delta: string }
  | { readonly type: 'reset'; readonly reason: string }

/** The content kept: of each kind only what a later prompt can hold. */
export type AnswerPart = Extract<LanguageModelV4Content, { type: 'text' | 'reasoning' | 'tool-call' | 'tool-result' }>

/** Plain JSON, so that it can be recorded. */
export interface ModelAnswer {
  readonly content: readonly AnswerPart[]
  readonly finish: 'stop' | 'length' | 'content-filter' | 'tool-calls' | 'error' | 'interrupted' | 'other'
  readonly usage: ModelUsage
  /** `provider/model` that answered. */
  readonly model: string
  /** US dollars; absent where the price of the model is not known. */
  readonly cost?: number
  /** Set when another than the first of the chain answered. */
  readonly fallback?: { readonly from: string; readonly to: string; readonly reason: string }
  readonly cached?: true
}

export interface Models {
  /** `provider/model` of a spec, without loading anything. */
  nameOf(spec: ModelSpec): string
  /**
   * Asks the first model of the chain; where it can't answer, the next.
   * @throws ExternalServiceError `model.failed`, AccessDeniedError `model.refused`, RateLimitError `model.limited`,
   * TimeoutError, CancelledError, ValidationError for a model that can't be had
   */
  call(chain: readonly ModelSpec[], call: ModelCall): Promise<ModelAnswer>
  /** The chain of an agent that names none: `AGENT_MODEL` of the environment. */
  defaultChain(): readonly ModelSpec[]
  priceOf(model: string): Price | undefined
  /** US dollars; undefined where the price is not known. */
  costOf(model: string, usage: ModelUsage): number | undefined
}
