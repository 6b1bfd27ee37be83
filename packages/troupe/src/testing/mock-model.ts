/**
 * A language model that plays a script, for tests. Without a match for a call it fails; what it was asked is in `calls`.
 */
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
  checkOptions,
  checkSignalType,
  type Duration,
  failure,
  fieldOf,
  isInstance,
  isList,
  listOf,
  milliseconds,
  readable,
  sleep,
  systemClock,
} from '../core/index.ts'

export interface MockResponse {
  readonly text?: string
  /** What it thinks before it says anything. */
  readonly reasoning?: string
  readonly toolCalls?: readonly { readonly name: string; readonly args?: unknown; readonly id?: string }[]
  readonly usage?: { readonly inputTokens?: number; readonly outputTokens?: number }
  readonly error?: Error
  /** Before the answer begins: a duration, or ms. */
  readonly latency?: Duration | number
  /** Answers only calls whose prompt fits: a text in it, a pattern, or a function. May answer any number of times. */
  readonly match?: string | RegExp | ((options: LanguageModelV4CallOptions) => boolean)
}
export type MockFunction = (
  options: LanguageModelV4CallOptions,
  call: number,
) => string | MockResponse | Promise<string | MockResponse>
export type MockItem = string | MockResponse | MockFunction | Error

export interface MockModelOptions {
  /** Those without `match` are used up in order. */
  readonly responses: readonly MockItem[]
  readonly provider?: string
  readonly modelId?: string
  readonly clock?: Clock
}

/**
 * @example
 * const model = new MockModel({ responses: ['first', { toolCalls: [{ name: 'look', args: { q: 'x' } }] }, 'seen'] })
 * …
 * model.verify()
 */
export class MockModel implements LanguageModelV4 {
  readonly specificationVersion = 'v4' as const
  readonly provider: string
  readonly modelId: string
  readonly supportedUrls = {}
  /** The options of every call, in order. */
  readonly calls: LanguageModelV4CallOptions[] = []
  readonly #inOrder: MockItem[]
  readonly #matching: { readonly response: MockResponse; used: boolean }[]
  readonly #clock: Clock
  #unexpected = 0

  /** @throws ValidationError for an option or a field of a response that it does not know */
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

  async doGenerate(options: LanguageModelV4CallOptions): Promise<LanguageModelV4GenerateResult> {
    const response = await this.#next(options)
    return {
      content: contentOf(response, this.calls.length),
      finishReason: finishOf(response),
      usage: usageOf(response),
      warnings: [],
    }
  }

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

  /** @throws Error when responses were left over, or a call came for which there was none */
  verify(): void {
    const left = this.#inOrder.length + this.#matching.filter(({ used }) => !used).length
    const problems = []
    if (left > 0) problems.push(`${left} of its responses were not asked for`)
    if (this.#unexpected > 0) problems.push(`${this.#unexpected} calls came for which it had no response`)
    if (problems.length > 0)
      throw failure('validation.failed', { what: 'The script of MockModel', problem: problems.join('; ') })
  }

  async #next(options: LanguageModelV4CallOptions): Promise<MockResponse> {
    checkPrompt(options)
    const call = this.calls.push(options)
    const found = this.#matching.find(({ response }) => fits(response, options))
    if (found) found.used = true
    let item = found?.response ?? this.#inOrder.shift()
    if (typeof item === 'function') item = await item(options, call)
    if (item === undefined) {
      this.#unexpected++
      throw failure('validation.failed', {
        what: 'The script of MockModel',
        problem: `it has no response for call ${call}`,
      })
    }
    const response = typeof item === 'string' ? { text: item } : item instanceof Error ? { error: item } : item
    const { latency = 0 } = response
    const ms = typeof latency === 'number' ? latency : milliseconds(latency, 'The latency')
    if (ms > 0) await sleep(this.#clock, ms, options.abortSignal)
    if (response.error) throw response.error
    return response
  }
}

/** @throws ValidationError for a response that could never be given */
function checkItem(item: MockItem): void {
  const wrong = (problem: string) => failure('validation.failed', { what: 'A response of MockModel', problem })
  if (typeof item === 'string' || typeof item === 'function' || isInstance(item, Error)) return
  checkOptions('A response of MockModel', item, fields)
  const { text, reasoning, toolCalls, usage, error, latency } = item
  if (text === undefined && toolCalls === undefined && error === undefined) throw wrong('it says nothing')
  if (text !== undefined && typeof text !== 'string') throw wrong('its text is not a text')
  if (reasoning !== undefined && typeof reasoning !== 'string') throw wrong('its reasoning is not a text')
  if (error !== undefined && !isInstance(error, Error)) throw wrong('its error is not an Error')
  if (usage !== undefined) checkOptions('The usage of a response', usage, ['inputTokens', 'outputTokens'])
  if (typeof latency !== 'number' && latency !== undefined) milliseconds(latency, 'The latency')
  if (toolCalls !== undefined && !Array.isArray(toolCalls)) throw wrong('its toolCalls are not a list')
  for (const call of toolCalls ?? []) {
    checkOptions('A tool call of a response', call, ['name', 'args', 'id'])
    if (typeof call.name !== 'string') throw wrong('a tool call of it names no tool')
  }
}

function checkPrompt(options: unknown): void {
  if (!readable('The prompt of MockModel', () => isList(fieldOf(options, 'prompt'))))
    throw failure('validation.failed', { what: 'The call of MockModel', problem: 'it has no prompt' })
  checkSignalType('MockModel', fieldOf(options, 'abortSignal'))
}

const fields = ['text', 'reasoning', 'toolCalls', 'usage', 'error', 'latency', 'match']

const hasMatch = (item: MockItem): item is MockResponse =>
  typeof item === 'object' && !(item instanceof Error) && item.match !== undefined

function fits({ match }: MockResponse, options: LanguageModelV4CallOptions): boolean {
  if (typeof match === 'function') return match(options)
  const text = JSON.stringify(options.prompt)
  return match instanceof RegExp ? match.test(text) : typeof match === 'string' && text.includes(match)
}

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
  unified: response.toolCalls?.length ? 'tool-calls' : 'stop',
  raw: undefined,
})

function usageOf({ usage = {} }: MockResponse): LanguageModelV4Usage {
  const { inputTokens = 10, outputTokens = 5 } = usage
  return {
    inputTokens: { total: inputTokens, noCache: inputTokens, cacheRead: 0, cacheWrite: 0 },
    outputTokens: { total: outputTokens, text: outputTokens, reasoning: 0 },
  }
}
