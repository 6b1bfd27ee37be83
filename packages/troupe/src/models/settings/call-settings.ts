/** The settings of a model call that agents, the registry and the configuration accept, and their validation. */
import type { SharedV4ProviderOptions } from '@ai-sdk/provider'
import { checkOptionNames, isObject, show } from '../../core/index.ts'

/** How much a model reasons before it answers. */
export interface ReasoningSettings {
  /** The amount of reasoning; `none` turns it off where the provider allows it. */
  readonly effort: 'none' | 'low' | 'medium' | 'high'
  /** The maximal number of reasoning tokens, for providers that limit it. They are part of the answer's tokens. */
  readonly maxTokens?: number
}

export const serviceTiers = ['auto', 'default', 'flex', 'priority'] as const

/** Whether the model may, must or must not call tools, or must call a certain one. */
export type ToolChoice =
  | 'auto'
  | 'none'
  | 'required'
  | {
      /** The name of the tool that the model must call. */
      readonly tool: string
    }

/** Settings of a model call. What is absent is the provider's default, unless stated otherwise. */
export interface CallSettings {
  /** The maximal number of tokens of the answer, reasoning included, from 1. */
  readonly maxOutputTokens?: number
  /** The sampling temperature, from 0 to 2. */
  readonly temperature?: number
  /** Nucleus sampling: the share of probability from which tokens are drawn, from 0 to 1. */
  readonly topP?: number
  /** Texts at which the model stops. */
  readonly stop?: readonly string[]
  /** A whole number: equal requests with it get equal answers where the provider supports that. */
  readonly seed?: number
  /** Options by the provider's name in the AI SDK: `{ openai: { textVerbosity: 'low' } }`. They take precedence over other settings. */
  readonly providerOptions?: SharedV4ProviderOptions
  /** How much the model reasons before it answers. */
  readonly reasoning?: ReasoningSettings
  /**
   * `default` costs no extra, `flex` is cheaper and slower, `priority` is more expensive and faster; `auto` leaves it
   * to the provider.
   */
  readonly serviceTier?: (typeof serviceTiers)[number]
  /** Marks the stable part of the prompt for the provider's cache; true by default. */
  readonly promptCache?: boolean
  /** Whether the model may, must or must not call tools. Ignored for a call without tools. */
  readonly toolChoice?: ToolChoice
  /** Whether one answer may call several tools; the provider's default if absent. */
  readonly parallelToolCalls?: boolean
  /**
   * Asks for log probabilities of the answer's tokens. A number, from 1 to 20, asks for that many alternatives of each
   * token.
   */
  readonly logprobs?: boolean | number
}

export const callSettingNames: readonly (keyof CallSettings)[] = [
  'maxOutputTokens',
  'temperature',
  'topP',
  'stop',
  'seed',
  'providerOptions',
  'reasoning',
  'serviceTier',
  'promptCache',
  'toolChoice',
  'parallelToolCalls',
  'logprobs',
]

/** @returns the first problem; undefined if all settings are valid */
export function problemOfSettings(settings: CallSettings): string | undefined {
  const { stop, providerOptions, serviceTier, promptCache, parallelToolCalls, logprobs } = settings
  const of = (name: keyof CallSettings, problem: string) => `${name} is ${show(settings[name])}, ${problem}`
  const numbers = [
    problemOfNumber(settings, 'maxOutputTokens', { from: 1, to: Number.MAX_SAFE_INTEGER, isInteger: true }),
    problemOfNumber(settings, 'temperature', { from: 0, to: 2 }),
    problemOfNumber(settings, 'topP', { from: 0, to: 1 }),
    problemOfNumber(settings, 'seed', {
      from: Number.MIN_SAFE_INTEGER,
      to: Number.MAX_SAFE_INTEGER,
      isInteger: true,
    }),
  ].find((problem) => problem !== undefined)
  if (numbers !== undefined) return numbers
  if (stop !== undefined && !(Array.isArray(stop) && stop.every((text) => typeof text === 'string' && text !== '')))
    return 'stop is not a list of texts'
  if (providerOptions !== undefined && !(isObject(providerOptions) && Object.values(providerOptions).every(isObject)))
    return 'providerOptions has no object of options by the name of each provider'
  if (serviceTier !== undefined && !serviceTiers.includes(serviceTier))
    return of('serviceTier', `not one of ${serviceTiers.join(', ')}`)
  for (const [name, value] of Object.entries({ promptCache, parallelToolCalls }))
    if (value !== undefined && typeof value !== 'boolean') return `${name} is ${show(value)}, neither true nor false`
  const isCount = Number.isInteger(logprobs) && Number(logprobs) >= 1 && Number(logprobs) <= 20
  if (logprobs !== undefined && typeof logprobs !== 'boolean' && !isCount)
    return of('logprobs', 'neither true, false nor a whole number from 1 to 20')
  return problemOfReasoning(settings.reasoning) ?? problemOfChoice(settings.toolChoice)
}

interface Range {
  readonly from: number
  readonly to: number
  readonly isInteger?: true
}

function problemOfNumber(settings: CallSettings, name: keyof CallSettings, { from, to, isInteger }: Range) {
  const value = settings[name]
  if (value === undefined) return undefined
  if (typeof value === 'number' && value >= from && value <= to && (!isInteger || Number.isInteger(value)))
    return undefined
  return `${name} is ${show(value)}, not ${isInteger ? 'a whole number' : 'a number'} from ${from} to ${to}`
}

function problemOfReasoning(reasoning: ReasoningSettings | undefined): string | undefined {
  if (reasoning === undefined) return undefined
  if (!isObject(reasoning)) return `reasoning is ${show(reasoning)}, not { effort, maxTokens }`
  checkOptionNames('settings.reasoning', reasoning, ['effort', 'maxTokens'])
  const { effort, maxTokens } = reasoning
  if (!['none', 'low', 'medium', 'high'].includes(effort))
    return `reasoning.effort is ${show(effort)}, not one of none, low, medium, high`
  if (maxTokens === undefined) return undefined
  if (!Number.isInteger(maxTokens) || maxTokens < 1)
    return `reasoning.maxTokens is ${show(maxTokens)}, not a whole number from 1`
  return effort === 'none' ? 'reasoning.maxTokens bounds reasoning, and reasoning.effort is none' : undefined
}

function problemOfChoice(choice: ToolChoice | undefined): string | undefined {
  if (choice === undefined || ['auto', 'none', 'required'].includes(choice as string)) return undefined
  if (isObject(choice) && typeof choice.tool === 'string' && Object.keys(choice).length === 1) return undefined
  return `toolChoice is ${show(choice)}, neither auto, none, required nor { tool }`
}

/** Later settings take precedence. Options of providers are merged by provider. */
export function mergeSettings<Settings extends CallSettings>(
  first: CallSettings | undefined,
  second: Settings,
): Settings {
  if (first === undefined) return second
  const merged = { ...first, ...second }
  if (!first.providerOptions || !second.providerOptions) return merged
  const providerOptions: SharedV4ProviderOptions = { ...first.providerOptions }
  for (const [provider, options] of Object.entries(second.providerOptions))
    providerOptions[provider] = { ...providerOptions[provider], ...options }
  return { ...merged, providerOptions }
}
