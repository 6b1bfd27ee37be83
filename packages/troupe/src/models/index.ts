/** Language models: names, chains, retries, prices, cache. */

export { createModels, type ModelsOptions } from './create-models.ts'
export type {
  AnswerPart,
  CompatibleModel,
  LivePart,
  ModelAnswer,
  ModelCall,
  ModelSpec,
  Models,
  ModelUsage,
  Price,
} from './models-port.ts'
export { pricesAsOf } from './prices.ts'
