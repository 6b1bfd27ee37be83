/**
 * The messages of a conversation, as the provider interface has them. Invariant: after `closeCalls`, every tool call has
 * exactly one result, before the next message of another role.
 */
import type {
  LanguageModelV4Message,
  LanguageModelV4ToolResultOutput,
  LanguageModelV4ToolResultPart,
} from '@ai-sdk/provider'
import {
  type ContentPart,
  checkJson,
  contentOf,
  type FilePart,
  isObject,
  type Json,
  type SourcePart,
  type TextPart,
  TroupeError,
  textOfValue,
  truncateText,
} from '../../../core/index.ts'
import { type AnswerPart, type ModelAnswer, makerMark } from '../../../models/index.ts'

export type ThreadMessage = Exclude<LanguageModelV4Message, { role: 'system' }>
export type ToolResultPart = LanguageModelV4ToolResultPart
export type ToolCallPart = Extract<AnswerPart, { type: 'tool-call' }>

export const userMessage = (text: string): ThreadMessage => ({ role: 'user', content: [{ type: 'text', text }] })

/** Returns the message as JSON: files in a thread are texts, which the types of the provider interface do not say. */
export const messageJson = (message: ThreadMessage): Json => message as unknown as Json

/** Returns the input as a message: a text, or parts if the input has a file. */
export function inputMessage(input: Json): ThreadMessage {
  const parts = contentOf(input)
  return parts ? { role: 'user', content: parts.map(promptPart) } : userMessage(textOfValue(input))
}

/** A part in the form of the provider interface. */
function promptPart(part: TextPart | FilePart) {
  if (part.type === 'text') return { type: 'text' as const, text: part.text }
  const { mediaType, data, filename } = part
  const name = filename === undefined ? {} : { filename }
  return { type: 'file' as const, mediaType, data: { type: 'data' as const, data }, ...name }
}

/** The calls that wait for a result of ours, in the model's order. */
export const pendingCallsOf = (answer: ModelAnswer): readonly ToolCallPart[] =>
  answer.content.filter((part): part is ToolCallPart => part.type === 'tool-call' && !part.providerExecuted)

export const answerText = (answer: ModelAnswer): string =>
  answer.content.map((part) => (part.type === 'text' ? part.text : '')).join('')

/** The arguments of a call, or why they can't be read. */
export function argumentsOf(
  call: ToolCallPart,
): { readonly ok: true; readonly args: Json } | { readonly ok: false; readonly problem: string } {
  try {
    const args = JSON.parse(call.input.trim() === '' ? '{}' : call.input) as Json
    // The parser takes 1e400 for infinity, and any depth.
    checkJson(args, 'The arguments of a tool call')
    return { ok: true, args }
  } catch (error) {
    if (error instanceof TroupeError) return { ok: false, problem: error.message }
    return { ok: false, problem: `they are not JSON (${(error as Error).message}): ${truncateText(call.input, 200)}` }
  }
}

/** Providers refuse texts without anything in them; some want their own back. */
const isBlank = (part: AnswerPart): boolean =>
  part.type === 'text' && part.text.trim() === '' && part.providerMetadata === undefined

type Source = Extract<AnswerPart, { type: 'source' }>
const isSource = (part: AnswerPart): part is Source => part.type === 'source'

/** Returns the content of an answer: its texts, generated files, and cited sources. */
export const answerContent = (answer: ModelAnswer): readonly ContentPart[] =>
  answer.content.flatMap((part): ContentPart[] => {
    if (isSource(part)) return [part as SourcePart]
    if (part.type === 'file') return [{ type: 'file', mediaType: part.mediaType, data: part.data }]
    return part.type === 'text' && part.text !== '' ? [{ type: 'text', text: part.text }] : []
  })

/**
 * Returns an answer as a message of the next prompt; undefined for an empty answer. Arguments that are not an object
 * become an empty object.
 */
export function assistantMessage(answer: ModelAnswer): ThreadMessage | undefined {
  // Sources are for the reader: no prompt holds them.
  const visible = answer.content.filter(
    (part): part is Exclude<AnswerPart, Source> => !isSource(part) && !isBlank(part),
  )
  if (visible.every(({ type }) => type === 'reasoning')) return undefined
  const content = visible.map((part) => {
    const isExecuted = part.type === 'tool-result' || (part.type === 'tool-call' && part.providerExecuted)
    const providerOptions =
      isExecuted || part.type === 'reasoning'
        ? { ...part.providerMetadata, ...makerMark(answer.model) }
        : part.providerMetadata
    const options = providerOptions ? { providerOptions } : {}
    if (part.type === 'text' || part.type === 'reasoning') return { type: part.type, text: part.text, ...options }
    if (part.type === 'file') return { ...promptPart(part), ...options }
    if (part.type === 'tool-result') {
      const output = {
        type: part.isError ? ('error-json' as const) : ('json' as const),
        value: part.result as Json & object,
      }
      return { type: 'tool-result' as const, toolCallId: part.toolCallId, toolName: part.toolName, output, ...options }
    }
    const read = argumentsOf(part)
    const input = read.ok && isObject(read.args) ? read.args : {}
    const call = { type: 'tool-call' as const, toolCallId: part.toolCallId, toolName: part.toolName, input, ...options }
    return part.providerExecuted ? { ...call, providerExecuted: true } : call
  })
  return { role: 'assistant', content: content as Extract<ThreadMessage, { role: 'assistant' }>['content'] }
}

export const toolMessage = (results: readonly ToolResultPart[]): ThreadMessage => ({
  role: 'tool',
  content: [...results],
})

export const toolResult = (
  call: { readonly toolCallId: string; readonly toolName: string },
  output: LanguageModelV4ToolResultOutput,
): ToolResultPart => ({
  type: 'tool-result',
  toolCallId: call.toolCallId,
  toolName: call.toolName,
  output,
})

/** A result with a remark: texts get a paragraph, everything else is wrapped. */
export const valueOutput = (value: Json, notice?: string): LanguageModelV4ToolResultOutput => {
  if (typeof value === 'string') return { type: 'text', value: notice === undefined ? value : `${value}\n\n${notice}` }
  const parts = contentOf(value)
  if (parts) {
    const remark = notice === undefined ? [] : [{ type: 'text' as const, text: notice }]
    return { type: 'content', value: [...parts.map(promptPart), ...remark] }
  }
  return { type: 'json', value: (notice === undefined ? value : { result: value, notice }) as never }
}
export const errorOutput = (error: { readonly [key: string]: Json }): LanguageModelV4ToolResultOutput => ({
  type: 'error-json',
  value: error as never,
})

/** A call of a model that has no result yet. */
export interface OpenCall {
  readonly toolCallId: string
  readonly toolName: string
  readonly input: unknown
}

/** The calls at the end of a conversation that have no result yet. */
export function openCalls(messages: readonly ThreadMessage[]): readonly OpenCall[] {
  const open = new Map<string, OpenCall>()
  for (const message of messages) {
    if (message.role === 'assistant')
      for (const part of message.content)
        if (part.type === 'tool-call' && !part.providerExecuted)
          open.set(part.toolCallId, { toolCallId: part.toolCallId, toolName: part.toolName, input: part.input })
    if (message.role === 'tool')
      for (const part of message.content) if (part.type === 'tool-result') open.delete(part.toolCallId)
  }
  return [...open.values()]
}

/** The estimated tokens of an image or a page of a document, independent of its size in bytes. */
const tokensOfFile = 1_500

/** The average number of characters per token of English text. */
export const charactersPerToken = 4

/**
 * Returns the estimated tokens of a value, by its length; files have their own measure.
 * @param text the value as JSON, with its keys in any order
 */
export function tokensOf(value: unknown, text = JSON.stringify(value) ?? ''): number {
  if (!text.includes('"type":"file"')) return Math.ceil(text.length / charactersPerToken)
  let files = 0
  const withoutFiles = JSON.stringify(value, (_, inner: unknown) => {
    if (!isObject(inner) || inner.type !== 'file') return inner
    files++
    return null
  })
  return Math.ceil(withoutFiles.length / charactersPerToken) + files * tokensOfFile
}

/**
 * The newest messages within a number of tokens. It begins with a user's message, so that no result lacks its call; at
 * least the last exchange stays.
 */
export function newestWithin(messages: readonly ThreadMessage[], maxTokens: number): readonly ThreadMessage[] {
  let used = 0
  let begin = messages.length
  for (let i = messages.length - 1; i >= 0; i--) {
    used += tokensOf(messages[i])
    if (used > maxTokens && begin < messages.length) break
    if (messages[i]?.role === 'user') begin = i
  }
  return messages.slice(begin === messages.length ? 0 : begin)
}
