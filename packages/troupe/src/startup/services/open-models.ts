/** Opens the models of a troupe with the policies of models and tools. A troupe within another one shares those of the other. */

import type { RevealedConfig } from '../../configuration/index.ts'
import {
  guardedModels,
  modelsOptions,
  openCassetteFile,
  openPolicies,
  readEnvironment,
} from '../../configuration/index.ts'
import type { Clock, Random } from '../../core/index.ts'
import { createModels, type ModelsOptions } from '../../models/index.ts'
import type { SharedServices, TroupeParts } from '../../operations/index.ts'
import type { Startup } from '../startup.ts'

interface Parts extends Pick<TroupeParts, 'events' | 'secrets' | 'redactor' | 'egressClient'> {
  readonly clock: Clock
  readonly random: Random
}

/** @throws ValidationError for a wrong option of models, policies or the cassette */
export async function openModels(
  config: RevealedConfig,
  { clock, random, events, secrets, redactor, egressClient }: Parts,
  startup: Startup,
): Promise<Omit<SharedServices, 'toolSources'> & { readonly live: Pick<TroupeParts['live'], 'models' | 'policies'> }> {
  const environment = readEnvironment(process.env)
  const { cassette } = config
  const recording = cassette && (await startup.stage('cassette', () => openCassetteFile(cassette, environment.secrets)))
  const policies = openPolicies(config.policies ?? {}, { clock, random })
  const options: ModelsOptions = {
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
    ...(recording ? { recording } : {}),
  }
  const models = createModels(options)
  return { models: guardedModels(models, policies.models), policies, recording, live: { models, policies } }
}
