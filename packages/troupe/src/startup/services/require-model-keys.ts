/** Handles API keys that are missing when a troupe opens. */
import { failure, type Json, type TroupeError } from '../../core/index.ts'
import { missingModelKeys, registeredAgents, type TroupeParts } from '../../operations/index.ts'

/**
 * Logs a warning for each model whose API key is missing. In production the opening fails, unless another model of the
 * chain can be asked, or the source of the secret fails and may recover.
 * @throws ValidationError `model.key_missing`; NotFoundError `secret.missing`; `config.invalid` for several
 */
export async function requireModelKeys({
  agents: { services },
  settings,
  observability: { log },
}: Pick<TroupeParts, 'agents' | 'settings' | 'observability'>): Promise<void> {
  const missing = await missingModelKeys(services.external.models, registeredAgents(settings))
  const fatal = missing.filter(({ error, isReplaceable }) => !isReplaceable && error.code !== 'secret.failed')
  if (settings.production && fatal.length > 0) throw oneErrorOf(fatal.map(({ error }) => error))
  for (const { model, error } of missing)
    log.warn('the API key of a model is missing', { model, code: error.code, problem: error.message })
}

function oneErrorOf([first, ...others]: readonly TroupeError[]): TroupeError {
  if (!first || others.length === 0) return first ?? failure('invariant.broken', { rule: 'a key is missing' })
  const problems = [first, ...others].map(({ code, message, hint = '' }) => ({ code, message, hint }))
  return failure('config.invalid', { first: first.message, others: others.length, problems: problems as Json })
}
