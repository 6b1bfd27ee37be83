/** The models of a troupe and what guards them and its tools; a troupe within another has those of the one around it. */
import type { Clock, Random } from '../core/index.ts'
import { createModels, type ModelsOptions } from '../models/index.ts'
import { openCassetteFile } from './cassette-file.ts'
import { readEnvironment } from './environment.ts'
import type { Opening } from './opening.ts'
import type { Borrowed, TroupeParts } from './parts.ts'
import { guardedModels, openPolicies } from './policies-config.ts'
import { modelsOptions } from './room-options.ts'
import type { RevealedConfig } from './secrets/reveal-config.ts'

interface Parts extends Pick<TroupeParts, 'events' | 'secrets' | 'redactor' | 'waysOut'> {
  readonly clock: Clock
  readonly random: Random
}

/** @throws ValidationError for an option of models, policies or the cassette that is wrong */
export async function openModels(
  config: RevealedConfig,
  { clock, random, events, secrets, redactor, waysOut }: Parts,
  opening: Opening,
): Promise<Omit<Borrowed, 'toolSources'> & { readonly live: Pick<TroupeParts['live'], 'models' | 'policies'> }> {
  const environment = readEnvironment(process.env)
  const { cassette } = config
  const tape = cassette && (await opening.stage('cassette', () => openCassetteFile(cassette, environment.secrets)))
  const policies = openPolicies(config.policies ?? {}, { clock, random })
  const options: ModelsOptions = {
    ...modelsOptions(config, environment),
    clock,
    random,
    events,
    // A key may be written on the model of an agent, which no configuration names.
    reveal: async (text) => {
      const key = await secrets.reveal(text)
      redactor.keep(key)
      return key
    },
    redact: redactor.redact,
    fetchTo: waysOut.fetchTo,
    ...(tape ? { tape } : {}),
  }
  const models = createModels(options)
  return { models: guardedModels(models, policies.models), policies, tape, live: { models, policies } }
}
