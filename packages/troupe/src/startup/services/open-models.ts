/** Opens the models of a troupe with the policies of models and tools. A troupe within another one calls those of the other. */
import {
  guardedModels,
  modelsOptions,
  openCassetteFile,
  openPolicies,
  readEnvironment,
} from '../../configuration/index.ts'
import { SharedRateLimiter, SharedSlots, type SharedSlotsParts } from '../../journal/index.ts'
import { createModels, type SharedLimits } from '../../models/index.ts'
import type { EgressClient, ModelParts, SharedServices } from '../../operations/index.ts'
import type { BoundedEvaluator } from '../../security/index.ts'
import type { Storage } from '../../storage/index.ts'
import type { Startup } from '../startup.ts'
import type { BaseParts } from './open-base.ts'

const sharedLimits = (parts: SharedSlotsParts & { readonly storage: Storage }): SharedLimits => ({
  rate: (name, limit) => new SharedRateLimiter(parts, { name: `models ${name}`, limit }),
  slots: (name, limit) => new SharedSlots(parts, { name: `models ${name}`, limit }),
})

interface OpenedModels {
  readonly models: ModelParts
  /** The models under their policies, as agents call them. */
  readonly callable: Omit<SharedServices, 'toolSources'>
}

interface ModelSources {
  readonly egressClient: EgressClient
  readonly evaluator: BoundedEvaluator
  /** Returns the id of this process on a storage that several processes share; undefined on other storages. */
  readonly holder: (() => string) | undefined
}

/** @throws ValidationError for a wrong option of models, policies or the cassette */
export async function openModels(
  { config, platform, stores: { storage }, protection: { secrets, redactor } }: BaseParts,
  { egressClient, evaluator, holder }: ModelSources,
  startup: Startup,
): Promise<OpenedModels> {
  const { clock, random, events } = platform
  const environment = readEnvironment(process.env)
  const { cassette } = config
  const recording = cassette && (await startup.stage('cassette', () => openCassetteFile(cassette, environment.secrets)))
  const policies = openPolicies(config.policies ?? {}, { clock, random })
  const models = createModels({
    ...modelsOptions(config, environment),
    clock,
    random,
    events,
    // An API key may stand on the model of an agent that the configuration does not name.
    reveal: async (text) => {
      const key = await secrets.reveal(text)
      redactor.addSecret(key)
      return key
    },
    redact: redactor.redact,
    fetchTo: egressClient.fetchTo,
    evaluator,
    ...(holder && { shared: sharedLimits({ storage, clock, ids: platform.ids, holder }) }),
    ...(recording ? { recording } : {}),
  })
  return {
    models: { models, policies },
    callable: { models: guardedModels(models, policies.models), policies, recording },
  }
}
