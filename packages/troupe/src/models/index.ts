/** Language models: names, chains, retries, limits, prices, cache, cassettes and embeddings. */

export { freeId, isTokenCount } from './answers/read-answer.ts'
export { type CassetteMode, type CassetteStore, openCassette } from './cassettes/index.ts'
export { createModels, type ModelsOptions } from './create-models.ts'
export { type BreakerOptions, checkLimits as checkModelLimits, type SharedLimits } from './model-gates.ts'
export type { ModelRegistry } from './model-registry.ts'
export type {
  AnswerPart,
  CallLimits,
  CompatibleModel,
  ConfiguredModel,
  Embedded,
  EmbeddingSpec,
  EmbedOptions,
  FinishReason,
  LivePart,
  ModelAnswer,
  ModelCall,
  ModelDefaults,
  ModelLimits,
  ModelObstacle,
  ModelSpec,
  ModelSpent,
  Models,
  ModelTarget,
  ModelUsage,
  Price,
  Reranked,
  RerankingSpec,
} from './models-port.ts'
export { pricesAsOf } from './prices.ts'
export { providerKeys, providers } from './providers.ts'
export { modelNameOf } from './resolve-model.ts'
export {
  type CallSettings,
  callSettingNames,
  problemOfSettings,
  type ReasoningSettings,
  serviceTiers,
  type ToolChoice,
} from './settings/call-settings.ts'
export { defaultContextWindow } from './settings/context-windows.ts'
export { makerMark } from './settings/maker-of.ts'
export { cosineSimilarity } from './texts/embeddings.ts'
