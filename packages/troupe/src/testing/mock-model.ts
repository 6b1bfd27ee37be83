/** A language model that answers from a script, for tests. */
import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4GenerateResult,
  LanguageModelV4StreamPart,
  LanguageModelV4StreamResult,
  LanguageModelV4Usage,
} from '@ai-sdk/provider'
import {
  type Clock,
  checkOptionNames,
  checkOptions,
  checkSignalType,
  type Duration,
  fieldOf,
  invalidInput,
  isInstance,
  isList,
  listOf,
  milliseconds,
  readable,
  show,
  sleep,
  systemClock,
} from '../core/index.ts'
import { isTokenCount } from '../models/index.ts'
import { promptTexts } from './prompt-texts.ts'

/** A response of a `MockModel`: a text, tool calls or an error. */
export interface MockResponse {
  /** The text of the answer. */
  readonly text?: string
  /** The reasoning that comes before the answer. */
  readonly reasoning?: string
  /** The tool calls of the answer. */
  readonly toolCalls?: readonly {
    /** The name of the tool. */
    readonly name: string
    /** The arguments; `{}` by default. */
    readonly args?: unknown
    /** The id of the call; `mock-CALL-N` by default. */
    readonly id?: string
  }[]
  /** The tokens that the model reports. */
  readonly usage?: {
    /** The input tokens; 10 by default. */
    readonly inputTokens?: number
    /** The output tokens; 5 by default. */
    readonly outputTokens?: number
  }
  /** Why the model ends the answer: `length` cuts it off. `tool-calls` or `stop` by default. */
  readonly finish?: 'stop' | 'length' | 'content-filter' | 'tool-calls' | 'error' | 'other'
  /** The error with which the call rejects. */
  readonly error?: Error
  /** The delay before the answer, as a duration or in ms; none by default. */
  readonly latency?: Duration | number
  /**
   * Answers only calls whose prompt matches: its texts contain this text or match this pattern, or the function returns
   * true. The texts are those of messages, and of the names, arguments and results of tools. A response with `match` can be
   * used any number of times.
   */
  readonly match?: string | RegExp | ((options: LanguageModelV4CallOptions) => boolean)
}
/** Returns the response to a call. `call` is the number of the call, from 1. */
export type MockFunction = (
  options: LanguageModelV4CallOptions,
  call: number,
) => string | MockResponse | Promise<string | MockResponse>
/** A response: a text, a response object, a function or an error. */
export type MockItem = string | MockResponse | MockFunction | Error

/** The options of a `MockModel`. */
export interface MockModelOptions {
  /** The responses. Those without `match` are used in their order, each once. */
  readonly responses: readonly MockItem[]
  /** The name of the provider; `mock` by default. */
  readonly provider?: string
  /** The id of the model; `mock` by default. */
  readonly modelId?: string
  /** The clock of `latency`; that of the machine by default. */
  readonly clock?: Clock
}

/**
 * A language model that answers from a script, for tests. A call without a response fails.
 * @example
 * const model = new MockModel({ responses: ['first', { toolCalls: [{ name: 'look', args: { q: 'x' } }] }, 'seen'] })
 * …
 * model.verify()
 */
export class MockModel implements LanguageModelV4 {
  readonly specificationVersion = 'v4' as const
  /** The name of the provider. */
  readonly provider: string
  /** The id of the model. */
  readonly modelId: string
  /** Empty: the model accepts no URLs, so files are downloaded for it. */
  readonly supportedUrls = {}
  /** The options of each call, in their order. */
  readonly calls: LanguageModelV4CallOptions[] = []
  readonly #inOrder: MockItem[]
  readonly #matching: { readonly response: MockResponse; used: boolean }[]
  readonly #clock: Clock
  #unexpected = 0

  /** @throws ValidationError for an unknown option or an unknown field of a response */
  constructor(options: MockModelOptions) {
    checkOptions('MockModel', options, ['responses', 'provider', 'modelId', 'clock'])
    listOf('The responses of MockModel', options.responses)
    for (const item of options.responses) checkItem(item)
    this.provider = options.provider ?? 'mock'
    this.modelId = options.modelId ?? 'mock'
    this.#clock = options.clock ?? systemClock
    this.#inOrder = options.responses.filter((item) => !hasMatch(item))
    this.#matching = options.responses.filter(hasMatch).map((response) => ({ response, used: false }))
  }

  /**
   * Returns the next response; called by the AI SDK interface.
   * @throws ValidationError if the script has no response
   */
  async doGenerate(options: LanguageModelV4CallOptions): Promise<LanguageModelV4GenerateResult> {
    const response = await this.#next(options)
    return {
      content: contentOf(response, this.calls.length),
      finishReason: finishOf(response),
      usage: usageOf(response),
      warnings: [],
    }
  }

  /**
   * Streams the next response word by word; called by the AI SDK interface.
   * @throws ValidationError if the script has no response
   */
  async doStream(options: LanguageModelV4CallOptions): Promise<LanguageModelV4StreamResult> {
    const response = await this.#next(options)
    const parts: LanguageModelV4StreamPart[] = [{ type: 'stream-start', warnings: [] }]
    for (const part of contentOf(response, this.calls.length)) {
      if (part.type === 'text' || part.type === 'reasoning') {
        const { type, text } = part
        parts.push({ type: `${type}-start`, id: type })
        for (const delta of text.match(/\S+\s*|\s+/g) ?? []) parts.push({ type: `${type}-delta`, id: type, delta })
        parts.push({ type: `${type}-end`, id: type })
      } else if (part.type === 'tool-call') parts.push(part)
    }
    parts.push({ type: 'finish', finishReason: finishOf(response), usage: usageOf(response) })
    return { stream: ReadableStream.from(parts) as ReadableStream<LanguageModelV4StreamPart> }
  }

  /**
   * Checks that the script was used completely.
   * @throws ValidationError if responses were not used, or a call had no response
   */
  verify(): void {
    const left = this.#inOrder.length + this.#matching.filter(({ used }) => !used).length
    const problems = []
    if (left > 0) problems.push(`${left} of its responses were not asked for`)
    if (this.#unexpected > 0) problems.push(`${this.#unexpected} calls came for which it had no response`)
    if (problems.length > 0) throw invalidInput('The script of MockModel', problems.join('; '))
  }

  async #next(options: LanguageModelV4CallOptions): Promise<MockResponse> {
    checkPrompt(options)
    const call = this.calls.push(options)
    const found = this.#matching.find(({ response }) => fits(response, options))
    if (found) found.used = true
    let item = found?.response ?? this.#inOrder.shift()
    if (typeof item === 'function') {
      item = await item(options, call)
      if (typeof item === 'function') throw invalidInput('A response of MockModel', 'a function returned a function')
      if (item !== undefined) checkItem(item)
    }
    if (item === undefined) {
      this.#unexpected++
      throw invalidInput('The script of MockModel', `it has no response for call ${call}`)
    }
    const response = typeof item === 'string' ? { text: item } : item instanceof Error ? { error: item } : item
    const { latency = 0 } = response
    const ms = typeof latency === 'number' ? latency : milliseconds(latency, 'The latency')
    if (ms > 0) await sleep(this.#clock, ms, options.abortSignal)
    if (response.error) throw response.error
    return response
  }
}

/** @throws ValidationError for an invalid response */
function checkItem(item: MockItem): void {
  const wrong = (problem: string) => invalidInput('A response of MockModel', problem)
  if (typeof item === 'string' || typeof item === 'function' || isInstance(item, Error)) return
  checkOptions('A response of MockModel', item, fields)
  const { text, reasoning, toolCalls, usage, finish, error, latency, match } = item
  if (text === undefined && toolCalls === undefined && error === undefined)
    throw wrong('it has no text, toolCalls or error')
  if (text !== undefined && typeof text !== 'string') throw wrong('its text is not a text')
  if (reasoning !== undefined && typeof reasoning !== 'string') throw wrong('its reasoning is not a text')
  if (error !== undefined && !isInstance(error, Error)) throw wrong('its error is not an Error')
  if (usage !== undefined) checkUsage(usage)
  if (finish !== undefined && !finishes.includes(finish)) throw wrong(`its finish is not one of ${finishes.join(', ')}`)
  if (typeof latency !== 'number' && latency !== undefined) milliseconds(latency, 'The latency')
  if (typeof latency === 'number' && !(latency >= 0 && latency < 2 ** 31)) throw wrong(`its latency is ${latency}`)
  if (match !== undefined && typeof match !== 'string' && typeof match !== 'function' && !isInstance(match, RegExp))
    throw wrong('its match is neither a text, a pattern nor a function')
  if (toolCalls !== undefined && !Array.isArray(toolCalls)) throw wrong('its toolCalls are not a list')
  for (const call of toolCalls ?? []) {
    checkOptionNames('A tool call of a response', call, ['name', 'args', 'id'])
    if (typeof call.name !== 'string') throw wrong('a tool call of it names no tool')
  }
}

function checkUsage(usage: NonNullable<MockResponse['usage']>): void {
  checkOptions('The usage of a response', usage, ['inputTokens', 'outputTokens'])
  for (const [name, tokens] of Object.entries(usage))
    if (tokens !== undefined && !isTokenCount(tokens))
      throw invalidInput('A response of MockModel', `its ${name} are ${show(tokens)}`)
}

function checkPrompt(options: unknown): void {
  if (!readable('The prompt of MockModel', () => isList(fieldOf(options, 'prompt'))))
    throw invalidInput('The call of MockModel', 'it has no prompt')
  checkSignalType('MockModel', fieldOf(options, 'abortSignal'))
}

const finishes = ['stop', 'length', 'content-filter', 'tool-calls', 'error', 'other'] as const
const fields = ['text', 'reasoning', 'toolCalls', 'usage', 'finish', 'error', 'latency', 'match'] as const

const hasMatch = (item: MockItem): item is MockResponse =>
  typeof item === 'object' && !(item instanceof Error) && item.match !== undefined

function fits({ match }: MockResponse, options: LanguageModelV4CallOptions): boolean {
  if (typeof match === 'function') return match(options)
  return promptTexts(options.prompt).some((text) =>
    match instanceof RegExp ? occurs(match, text) : text.includes(match as string),
  )
}

/** `test` would continue after the last match of a pattern with the flag g. */
const occurs = (pattern: RegExp, text: string): boolean => text.search(pattern) >= 0

const contentOf = (response: MockResponse, call: number): LanguageModelV4GenerateResult['content'] => [
  ...(response.reasoning === undefined ? [] : [{ type: 'reasoning' as const, text: response.reasoning }]),
  ...(response.text === undefined ? [] : [{ type: 'text' as const, text: response.text }]),
  ...(response.toolCalls ?? []).map((one, i) => ({
    type: 'tool-call' as const,
    toolCallId: one.id ?? `mock-${call}-${i + 1}`,
    toolName: one.name,
    input: JSON.stringify(one.args ?? {}),
  })),
]

const finishOf = (response: MockResponse): LanguageModelV4GenerateResult['finishReason'] => ({
  unified: response.finish ?? (response.toolCalls?.length ? 'tool-calls' : 'stop'),
  raw: undefined,
})

function usageOf({ usage = {} }: MockResponse): LanguageModelV4Usage {
  const { inputTokens = 10, outputTokens = 5 } = usage
  return {
    inputTokens: { total: inputTokens, noCache: inputTokens, cacheRead: 0, cacheWrite: 0 },
    outputTokens: { total: outputTokens, text: outputTokens, reasoning: 0 },
  }
}
