/** The only place that reads the environment: keys of providers, and the `AGENT_…` variables. */
import { type Duration, invalidInput } from '../core/index.ts'
import { type ModelDefaults, type ModelLimits, providerKeys } from '../models/index.ts'

export interface Environment {
  /** Keys of providers, `AGENT_MODEL` and `AGENT_API_KEY`; nothing else. */
  readonly env: Readonly<Record<string, string>>
  readonly defaults: ModelDefaults
  readonly limits: ModelLimits
  readonly cacheTtl: Duration | undefined
  /** Values that are never recorded. */
  readonly secrets: readonly string[]
}

type Variables = Readonly<Record<string, string | undefined>>

/**
 * Reads `AGENT_MODEL`, `AGENT_API_KEY`, `AGENT_MAX_TOKENS`, `AGENT_TEMPERATURE`, `AGENT_RATE_LIMIT` (calls per minute)
 * and `AGENT_CACHE_TTL` (seconds).
 * @throws ValidationError naming a variable whose value is not a valid number
 */
export function readEnvironment(variables: Variables): Environment {
  const env: Record<string, string> = {}
  for (const name of ['AGENT_MODEL', 'AGENT_API_KEY', ...providerKeys]) {
    const value = variables[name]
    if (value) env[name] = value
  }
  const maxOutputTokens = numberOf(variables, 'AGENT_MAX_TOKENS', 1, Number.MAX_SAFE_INTEGER, true)
  const temperature = numberOf(variables, 'AGENT_TEMPERATURE', 0, 2, false)
  const perMinute = numberOf(variables, 'AGENT_RATE_LIMIT', 1, Number.MAX_SAFE_INTEGER, true)
  const seconds = numberOf(variables, 'AGENT_CACHE_TTL', 1, 31_536_000, true)
  const secretNames = Object.keys(variables).filter((name) => /(^|_)(KEY|TOKEN|SECRET|PASSWORD)$/.test(name))
  return {
    env,
    defaults: {
      ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
      ...(temperature === undefined ? {} : { temperature }),
    },
    limits: perMinute === undefined ? {} : { '*': { perMinute } },
    cacheTtl: seconds === undefined ? undefined : `${seconds}s`,
    secrets: secretNames.flatMap((name) => (variables[name] && variables[name].length >= 6 ? [variables[name]] : [])),
  }
}

function numberOf(variables: Variables, name: string, lowest: number, highest: number, integerOnly: boolean) {
  const text = variables[name]
  if (text === undefined || text === '') return undefined
  const value = Number(text)
  if (value >= lowest && value <= highest && (!integerOnly || Number.isInteger(value))) return value
  throw invalidInput(
    `The variable ${name} of the environment`,
    `it is not a ${integerOnly ? 'whole number' : 'number'} from ${lowest}${highest < 1e9 ? ` to ${highest}` : ''}`,
  )
}
