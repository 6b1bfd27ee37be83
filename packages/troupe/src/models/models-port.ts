/** What the other rooms ask of language models: one call over a chain of models, with usage and cost. */

import type {
  EmbeddingModelV4,
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4Content,
} from '@ai-sdk/provider'
import type { FilePart, Json, TroupeError, UserId } from '../core/index.ts'
import type { SecretText } from '../security/index.ts'
import type { CallSettings } from './settings/call-settings.ts'

/** Any OpenAI-compatible URL, e.g. of a local server. */
export interface CompatibleModel {
  readonly url: string
  readonly model: string
  readonly apiKey?: SecretText
  /** Of calls of this model; the settings of an agent go before them. */
  readonly settings?: CallSettings
}

/** `'provider/model'`, an AI SDK model object of specification v4, or an OpenAI-compatible URL. */
export type ModelTarget = string | LanguageModelV4 | CompatibleModel

/** A model with settings of its own; the settings of an agent go before them. */
export interface ConfiguredModel {
  readonly model: string | LanguageModelV4
  readonly settings: CallSettings
}

export type ModelSpec = ModelTarget | ConfiguredModel

/** The same for a model that turns texts into vectors. */
export type EmbeddingSpec = string | EmbeddingModelV4 | CompatibleModel

/** US dollars per million tokens. */
export interface Price {
  readonly input: number
  readonly output: number
  /** Of input tokens read from the provider's cache; the price of input where absent. */
  readonly cacheRead?: number
  /** Of input tokens written to the provider's cache; the price of input where absent. */
  readonly cacheWrite?: number
  /** Of a whole call with more input tokens than `over`, where the vendor asks more for such. */
  readonly long?: {
    readonly over: number
    readonly input: number
    readonly output: number
    readonly cacheRead?: number
    readonly cacheWrite?: number
  }
}

export type ModelUsage = {
  readonly inputTokens: number
  readonly outputTokens: number
  /** Of the input tokens: read from the provider's cache; absent where none were. */
  readonly cacheReadTokens?: number
  /** Of the input tokens: written to the provider's cache; absent where none were. */
  readonly cacheWriteTokens?: number
}

/** What a model is asked. */
export interface ModelCall
  extends CallSettings,
    Pick<LanguageModelV4CallOptions, 'prompt' | 'tools' | 'responseFormat'> {
  readonly user: UserId
  /** What a budget leaves for the answer. No part of the question: recordings and the cache don't tell calls apart by it. */
  readonly tokensLeft?: number
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

/** The content that is stored: what a later prompt can hold, and the sources that an answer cites. */
export type AnswerPart =
  | Extract<LanguageModelV4Content, { type: 'text' | 'reasoning' | 'tool-call' | 'tool-result' | 'source' }>
  | AnswerFile

/** A file that a model made. */
export type AnswerFile = FilePart & Pick<LanguageModelV4Content, 'providerMetadata'>

/** Plain JSON, so that it can be recorded. */
export interface ModelAnswer {
  readonly content: readonly AnswerPart[]
  readonly finish: 'stop' | 'length' | 'content-filter' | 'tool-calls' | 'error' | 'interrupted' | 'other'
  readonly usage: ModelUsage
  /** `provider/model` that answered. */
  readonly model: string
  /** US dollars; absent where the price of the model is not known. */
  readonly cost?: number
  /** As the provider reports them, where the call asked for them. */
  readonly logprobs?: Json
  /** Set when another than the first of the chain answered. */
  readonly fallback?: { readonly from: string; readonly to: string; readonly reason: string }
  readonly cached?: true
}

/** Vectors of length one, in the order of the texts, so that their product is their likeness. */
export interface Embedded {
  /** `provider/model`: vectors of two models are never compared. */
  readonly model: string
  readonly vectors: readonly Float32Array[]
}

export interface EmbedOptions {
  readonly user: UserId
  readonly signal?: AbortSignal
}

/** What agents ask with where they say nothing themselves. */
export type ModelDefaults = CallSettings

export interface CallLimits {
  /** Calls on their way at once. */
  readonly concurrent?: number
  /** Calls that may wait for one of those; 100 by default. */
  readonly queue?: number
  /** Calls within any minute; more wait, a minute at most. */
  readonly perMinute?: number
}

/** By `*` (all models together), `provider` or host (each account), or `provider/model`. */
export type ModelLimits = Readonly<Record<string, CallLimits>>

export interface ModelObstacle {
  /** `provider/model`, or the name that the registry lacks. */
  readonly model: string
  readonly obstacle: TroupeError | undefined
}

export interface Models {
  readonly defaults: ModelDefaults
  /** What `embed` is meant for where nobody names another; undefined: likeness is lexical. */
  readonly embedding: EmbeddingSpec | undefined
  /**
   * Vectors of texts; what was asked before by the same user comes from memory.
   * @throws ExternalServiceError `embedding.wrong`, `model.failed`; as `call` for a model that can't be had
   */
  embed(spec: EmbeddingSpec, texts: readonly string[], options: EmbedOptions): Promise<Embedded>
  /** `provider/model` of a spec, without loading anything. */
  nameOf(spec: ModelSpec | EmbeddingSpec): string
  /**
   * Asks the first model of the chain; where it can't answer, the next.
   * @throws ExternalServiceError `model.failed`, AccessDeniedError `model.rejected`, RateLimitError `model.limited`,
   * TimeoutError, CancelledError, ValidationError for a model that can't be had
   */
  call(chain: readonly ModelSpec[], call: ModelCall): Promise<ModelAnswer>
  /** The chain of an agent that names none: `default` of the registry, else `AGENT_MODEL` of the environment. */
  defaultChain(): readonly ModelSpec[]
  /**
   * Each model of a chain, of the default one where it is empty, with the reason why it can never be asked here, as far as
   * that is seen without asking anybody: no such provider, its package not installed. A cassette answers for any.
   */
  obstacles?(chain: readonly ModelSpec[]): readonly ModelObstacle[]
  /**
   * Each model of a chain, of the default one where it is empty, with the error of its API key if that is missing:
   * `model.key_missing`, `secret.missing`, or `secret.failed` where the source of the secret fails.
   */
  missingKeys?(chain: readonly ModelSpec[]): Promise<readonly ModelObstacle[]>
  priceOf(model: string): Price | undefined
  /** US dollars; undefined where the price is not known. */
  costOf(model: string, usage: ModelUsage): number | undefined
  /** Of each model that was asked, the worst of its accounts. */
  breakers?(): ReadonlyMap<string, 'closed' | 'half-open' | 'open'>
  /** From the next call on. @throws ValidationError */
  configure?(options: { readonly limits?: ModelLimits; readonly attempts?: number }): void
  /** Lets go of the user's answers. */
  forget?(user: UserId): void
}
