/** The port of language models: a call over a chain of models, with usage and cost. */

import type {
  EmbeddingModelV3,
  EmbeddingModelV4,
  LanguageModelV3,
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4Content,
  RerankingModelV3,
  RerankingModelV4,
} from '@ai-sdk/provider'
import type { FilePart, Json, TroupeError, UserId } from '../core/index.ts'
import type { SecretText } from '../security/index.ts'
import type { CallSettings } from './settings/call-settings.ts'

/** A model behind an OpenAI-compatible URL, for example of a local server. */
export interface CompatibleModel {
  /** The base URL, such as `http://localhost:11434/v1`. */
  readonly url: string
  /** The name of the model on that server. */
  readonly model: string
  /** The API key; without it, none is sent. */
  readonly apiKey?: SecretText
  /** Settings for calls of this model. The settings of an agent take precedence. */
  readonly settings?: CallSettings
}

/** `'provider/model'`, an AI SDK model object of specification v3 or v4, or an OpenAI-compatible URL. */
export type ModelTarget = string | LanguageModelV4 | LanguageModelV3 | CompatibleModel

/** A model with settings. The settings of an agent take precedence. */
export interface ConfiguredModel {
  /** `provider/model`, or an AI SDK model object of specification v3 or v4. */
  readonly model: string | LanguageModelV4 | LanguageModelV3
  /** The settings for calls of this model. */
  readonly settings: CallSettings
}

/** A model of an agent or of the registry, with or without settings. */
export type ModelSpec = ModelTarget | ConfiguredModel

/** An embedding model: `'provider/model'`, an AI SDK model object of specification v3 or v4, or an OpenAI-compatible URL. */
export type EmbeddingSpec = string | EmbeddingModelV4 | EmbeddingModelV3 | CompatibleModel

/**
 * A reranking model: `'provider/model'`, an AI SDK model object of specification v3 or v4, or the URL of a server that answers
 * `POST /rerank` as those of Cohere, Jina, vLLM and llama.cpp do.
 */
export type RerankingSpec = string | RerankingModelV4 | RerankingModelV3 | CompatibleModel

/** The price of a model in US dollars per million tokens. */
export interface Price {
  /** The price of input tokens. */
  readonly input: number
  /** The price of output tokens. */
  readonly output: number
  /** The price of input tokens that are read from the provider's cache; the price of input by default. */
  readonly cacheRead?: number
  /**
   * The price of input tokens that are written to the provider's cache; the price of input by default, 1.25 times
   * that for `anthropic/`.
   */
  readonly cacheWrite?: number
  /**
   * The price of a thousand searches of a reranking model, in US dollars. A search is one question with up to 100 texts. A
   * model that is paid by the token has none.
   */
  readonly search?: number
  /** The prices of a call with more input tokens than `over`, if the vendor charges more for it. */
  readonly long?: {
    /** The number of input tokens above which these prices apply to the whole call. */
    readonly over: number
    /** The price of input tokens. */
    readonly input: number
    /** The price of output tokens. */
    readonly output: number
    /** The price of input tokens that are read from the provider's cache; the price of input by default. */
    readonly cacheRead?: number
    /**
     * The price of input tokens that are written to the provider's cache; the price of input by default, 1.25 times
     * that for `anthropic/`.
     */
    readonly cacheWrite?: number
  }
}

/** The tokens of a model call. */
export type ModelUsage = {
  /** All input tokens, those of the cache included. */
  readonly inputTokens: number
  /** All output tokens, those of reasoning included. */
  readonly outputTokens: number
  /** The input tokens that were read from the provider's cache; absent if none were. */
  readonly cacheReadTokens?: number
  /** The input tokens that were written to the provider's cache; absent if none were. */
  readonly cacheWriteTokens?: number
}

/** A request to a model. */
export interface ModelCall
  extends CallSettings,
    Pick<LanguageModelV4CallOptions, 'prompt' | 'tools' | 'responseFormat'> {
  readonly user: UserId
  /** The tokens that a budget leaves for the answer. Not part of the request's identity in cassettes and the cache. */
  readonly tokensLeft?: number
  readonly signal?: AbortSignal
  /** The timeout of one attempt, in ms; without it, 10 minutes for an answer that is not streamed. */
  readonly timeoutMs?: number
  /** Answers an equal request of the same user from the cache, for an hour. */
  readonly cache?: boolean
  /** Called with the parts of the answer as they arrive. The model is streamed then. */
  readonly onPart?: (part: LivePart) => void
}

/** A part of a streamed answer. `reset` declares the parts so far void, because another attempt begins. */
export type LivePart =
  | { readonly type: 'text-delta'; readonly delta: string }
  | { readonly type: 'reasoning-delta'; readonly delta: string }
  | { readonly type: 'reset'; readonly reason: string }

/** The stored content: the parts that a later prompt can hold, and the cited sources. */
export type AnswerPart =
  | Extract<LanguageModelV4Content, { type: 'text' | 'reasoning' | 'tool-call' | 'tool-result' | 'source' }>
  | AnswerFile

/** A file that a model created. */
export type AnswerFile = FilePart & Pick<LanguageModelV4Content, 'providerMetadata'>

/** Why a model ended its answer; `length` means that the maximum number of tokens cut it off. */
export type FinishReason = 'stop' | 'length' | 'content-filter' | 'tool-calls' | 'error' | 'interrupted' | 'other'

/** Plain JSON, so that it can be recorded. */
export interface ModelAnswer {
  readonly content: readonly AnswerPart[]
  readonly finish: FinishReason
  readonly usage: ModelUsage
  /** `provider/model` that answered. */
  readonly model: string
  /** The cost in US dollars; absent if the price of the model is unknown. */
  readonly cost?: number
  /** Log probabilities as the provider reports them, if the call requested them. */
  readonly logprobs?: Json
  /** Present if a later model of the chain answered. */
  readonly fallback?: { readonly from: string; readonly to: string; readonly reason: string }
  readonly cached?: true
}

/** Vectors of length 1 in the order of the texts, so that their dot product is the cosine similarity. */
export interface Embedded {
  /** `provider/model`. Vectors of different models are never compared. */
  readonly model: string
  readonly vectors: readonly Float32Array[]
  /** The usage of the calls of the model; absent if all vectors came from the cache. */
  readonly spent?: ModelSpent
}

/** The usage of model calls, which is charged to a step. */
export type ModelSpent = {
  /** `provider/model`. */
  readonly model: string
  readonly usage: ModelUsage
  /** In US dollars; absent if the price is unknown. */
  readonly cost?: number
}

/** The relevance of texts to a question, and what the call used. */
export interface Reranked extends ModelSpent {
  /** The indexes of the texts, the most relevant first. A model may omit texts. */
  readonly ranking: readonly { readonly index: number; readonly score: number }[]
}

export interface EmbedOptions {
  readonly user: UserId
  readonly signal?: AbortSignal
  /** The timeout of one attempt, in ms; 10 minutes by default. */
  readonly timeoutMs?: number
}

/** The default settings of calls. */
export type ModelDefaults = CallSettings

/** Limits of the calls to a model, an account, or all models. */
export interface CallLimits {
  /** The maximal number of concurrent calls; unlimited by default. All processes of a PostgreSQL database count together. */
  readonly concurrent?: number
  /** The maximal number of calls that wait for a slot; 100 by default. Only with `concurrent`. */
  readonly queue?: number
  /**
   * The maximal number of calls within a minute; unlimited by default. Further calls wait, at most a minute. All processes of a
   * PostgreSQL database count together.
   */
  readonly perMinute?: number
}

/** Limits by `*` (all models together), `provider` or host (each account), or `provider/model`. */
export type ModelLimits = Readonly<Record<string, CallLimits>>

export interface ModelObstacle {
  /** `provider/model`, or the unknown name. */
  readonly model: string
  readonly obstacle: TroupeError | undefined
}

export interface Models {
  readonly defaults: ModelDefaults
  /** The default embedding model; without one, similarity is lexical. */
  readonly embedding: EmbeddingSpec | undefined
  /**
   * Embeds texts. Vectors that the same user asked for before come from the cache.
   * @throws ExternalServiceError `embedding.wrong`, `model.failed`; otherwise the errors of `call`
   */
  embed(spec: EmbeddingSpec, texts: readonly string[], options: EmbedOptions): Promise<Embedded>
  /** The default reranking model; without one, the order of a search stays. */
  readonly reranking?: RerankingSpec | undefined
  /**
   * Orders texts by their relevance to a question.
   * @throws ExternalServiceError `reranking.wrong`, `model.failed`; otherwise the errors of `call`
   */
  rerank?(spec: RerankingSpec, question: string, texts: readonly string[], options: EmbedOptions): Promise<Reranked>
  /** Returns `provider/model` of a spec without loading its package. */
  nameOf(spec: ModelSpec | EmbeddingSpec | RerankingSpec): string
  /**
   * Asks the first model of the chain and, if it fails, the next one.
   * @throws ExternalServiceError `model.failed`, AccessDeniedError `model.rejected`, RateLimitError `model.limited`,
   * TimeoutError, CancelledError, ValidationError for a model that cannot be loaded
   */
  call(chain: readonly ModelSpec[], call: ModelCall): Promise<ModelAnswer>
  /** The chain of an agent that names no model: `default` of the registry, else `AGENT_MODEL` of the environment. */
  defaultChain(): readonly ModelSpec[]
  /**
   * Returns the models of a chain (of the default chain if it is empty) that cannot be asked here, each with the reason: an
   * unknown provider, or a package that is not installed. No request is made. With a cassette every model can be asked.
   */
  obstacles?(chain: readonly ModelSpec[]): readonly ModelObstacle[]
  /**
   * Returns the models of a chain (of the default chain if it is empty) whose API key is missing, each with the error:
   * `model.key_missing`, `secret.missing`, or `secret.failed` if the source of the secret fails.
   */
  missingKeys?(chain: readonly ModelSpec[]): Promise<readonly ModelObstacle[]>
  priceOf(model: string): Price | undefined
  /** Returns the context window of `provider/model` in tokens. */
  contextWindowOf?(model: string): number
  /** Returns the cost in US dollars; undefined if the price is unknown. */
  costOf(model: string, usage: ModelUsage): number | undefined
  /** The state of each model that was asked: that of its worst account. */
  breakers?(): ReadonlyMap<string, 'closed' | 'half-open' | 'open'>
  /** Replaces the named settings from the next call on. @throws ValidationError */
  configure?(options: { readonly limits?: ModelLimits; readonly attempts?: number }): void
  /** Drops the cached answers and vectors of the user. */
  forget?(user: UserId): void
}
