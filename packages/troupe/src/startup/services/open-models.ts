/** Opens the models of a troupe with the policies of models and tools. A troupe within another one calls those of the other. */
import {
  guardedModels,
  modelsOptions,
  openCassetteFile,
  openPolicies,
  readEnvironment,
} from '../../configuration/index.ts'
import type { Clock } from '../../core/index.ts'
import { SharedRateLimiter } from '../../journal/index.ts'
import { createModels } from '../../models/index.ts'
import type { EgressClient, ModelParts, SharedServices } from '../../operations/index.ts'
import type { BoundedEvaluator } from '../../security/index.ts'
import type { Storage } from '../../storage/index.ts'
import type { Startup } from '../startup.ts'
import type { BaseParts } from './open-base.ts'

const sharedRateOn =
  (storage: Storage, clock: Clock) =>
  (name: string, limit: number): SharedRateLimiter =>
    new SharedRateLimiter({ storage, clock }, { name: `models ${name}`, limit })

interface OpenedModels {
  readonly models: ModelParts
  /** The models under their policies, as agents call them. */
  readonly callable: Omit<SharedServices, 'toolSources'>
}

/** @throws ValidationError for a wrong option of models, policies or the cassette */
export async function openModels(
  { config, platform, stores: { storage }, protection: { secrets, redactor } }: BaseParts,
  egressClient: EgressClient,
  evaluator: BoundedEvaluator,
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
    // On a storage of one process, its own count is that of all.
    ...(storage.singleWriter ? {} : { sharedRate: sharedRateOn(storage, clock) }),
    ...(recording ? { recording } : {}),
  })
  return {
    models: { models, policies },
    callable: { models: guardedModels(models, policies.models), policies, recording },
  }
}
