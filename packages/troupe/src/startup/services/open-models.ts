/** The models of a troupe and what guards them and its tools; a troupe within another has those of the one around it. */

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

/** @throws ValidationError for an option of models, policies or the cassette that is wrong */
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
    // A key may be written on the model of an agent, which no configuration names.
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
