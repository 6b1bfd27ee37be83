/**
 * Reads the answer of a model into a form that is safe to store, regardless of what the provider sent: texts are strings,
 * tool calls have unique ids and their input as text, results belong to calls that the provider executed, and usage is not
 * negative.
 */
import type { LanguageModelV4Content, LanguageModelV4File, LanguageModelV4Usage } from '@ai-sdk/provider'
import { isFilePart, truncateText } from '../../core/index.ts'
import { invalidModelAnswer } from '../model-failure.ts'
import type { AnswerFile, AnswerPart, ModelUsage } from '../models-port.ts'

/** Longer answers are truncated, so that an endless stream ends. */
export const maxAnswerCharacters = 4_000_000
/** The least that a call counts against the bound, so that an answer has at most 1,000 calls. */
const leastOfCall = 4_000
/** Returns how much of the bound a part uses. */
export const weightOf = (part: LanguageModelV4Content | AnswerPart): number =>
  'text' in part ? part.text.length : Math.max(JSON.stringify(part).length, part.type === 'tool-call' ? leastOfCall : 0)

/** @throws Error if the answer is not a list of parts */
export function readAnswerParts(content: unknown): AnswerPart[] {
  if (!Array.isArray(content)) throw invalidModelAnswer('the answer holds no list of content')
  const usedIds = new Set<string>()
  const parts: AnswerPart[] = []
  // Calls that the provider executes itself, by the provider's id, until their result arrives.
  const executed = new Map<unknown, AnswerPart & { readonly type: 'tool-call' }>()
  for (const part of content as readonly LanguageModelV4Content[]) {
    if (part?.type === 'text' || part?.type === 'reasoning') {
      const text = typeof part.text === 'string' ? part.text.toWellFormed() : ''
      if (text !== '' || part.providerMetadata) parts.push(withMetadata({ type: part.type, text }, part))
    } else if (part?.type === 'tool-call') {
      const toolCallId = freeId(part.toolCallId, usedIds)
      const input = typeof part.input === 'string' ? part.input : (JSON.stringify(part.input) ?? '')
      const call = {
        type: 'tool-call',
        toolCallId,
        toolName: String(part.toolName),
        input: input.toWellFormed(),
      } as const
      const answerPart = withMetadata(part.providerExecuted ? { ...call, providerExecuted: true } : call, part)
      if (part.providerExecuted) executed.set(part.toolCallId, answerPart as typeof call)
      parts.push(answerPart)
    } else if (part?.type === 'file') {
      const made = readFile(part, parts.length)
      if (made) parts.push(made)
    } else if (part?.type === 'source') {
      parts.push(JSON.parse(JSON.stringify(part)) as typeof part)
    } else if (part?.type === 'tool-result' && !part.preliminary) {
      const call = executed.get(part.toolCallId)
      if (!call) continue
      executed.delete(part.toolCallId)
      const result = JSON.parse(JSON.stringify({ ...part, result: part.result ?? null })) as typeof part
      parts.push({ ...result, toolCallId: call.toolCallId })
    }
  }
  const unanswered = new Set<AnswerPart>(executed.values())
  return parts.filter((part) => !unanswered.has(part))
}

/**
 * Reads a file of the answer. A file given by its URL is a source and is not fetched. Undefined for invalid bytes.
 * @param n tells the sources of an answer apart
 */
export function readFile(
  { mediaType, data: made, providerMetadata }: Pick<LanguageModelV4File, 'mediaType' | 'data' | 'providerMetadata'>,
  n: number,
): AnswerFile | Extract<AnswerPart, { type: 'source' }> | undefined {
  // Providers of the earlier specification give the bytes directly.
  const tagged = made as LanguageModelV4File['data'] | Uint8Array | string | undefined
  const bytes = typeof tagged === 'object' && 'type' in tagged ? tagged : { type: 'data' as const, data: tagged ?? '' }
  if (bytes.type === 'url')
    return { type: 'source', sourceType: 'url', id: `file-${n}`, url: String(bytes.url), title: mediaType }
  const { data } = bytes
  const part = { type: 'file', mediaType, data: typeof data === 'string' ? data : Buffer.from(data).toString('base64') }
  return isFilePart(part) ? (withMetadata(part, providerMetadata ? { providerMetadata } : {}) as AnswerFile) : undefined
}

/** Providers need their metadata in later calls (signatures of reasoning), so it is kept as plain JSON. */
const withMetadata = (part: AnswerPart, from: Pick<LanguageModelV4Content, 'providerMetadata'>): AnswerPart =>
  from.providerMetadata
    ? ({ ...part, providerMetadata: JSON.parse(JSON.stringify(from.providerMetadata)) } as AnswerPart)
    : part

/** If two calls of one answer had the same id, one of them would have no result. */
export function freeId(wanted: unknown, usedIds: Set<string>): string {
  const stem = typeof wanted === 'string' && wanted !== '' ? wanted.toWellFormed() : 'call'
  let id = stem
  for (let n = 2; usedIds.has(id); n++) id = `${stem}-${n}`
  usedIds.add(id)
  return id
}

/** Returns the parts within the bound of an answer and drops the others. */
export function withinBounds(parts: readonly AnswerPart[]): {
  readonly content: readonly AnswerPart[]
  readonly cut: boolean
} {
  let left = maxAnswerCharacters
  const content: AnswerPart[] = []
  for (const part of parts) {
    const size = weightOf(part)
    if (size > left) {
      if ('text' in part && left > 0) content.push({ ...part, text: truncateText(part.text, left) })
      return { content, cut: true }
    }
    left -= size
    content.push(part)
  }
  return { content, cut: false }
}

/** Characters per token, for an estimate if the provider reports no count. */
const estimated = (value: unknown): number => Math.ceil((JSON.stringify(value) ?? '').length / 4)

/** The maximal number of tokens of a call. Sums of many such calls are still exact numbers, as the storage requires. */
const maxTokens = 1e12

/** Returns whether the value can be a number of tokens. */
export const isTokenCount = (value: unknown): value is number =>
  typeof value === 'number' && value >= 0 && value <= maxTokens

/** Estimates usage that the provider omits or reports wrongly, so that a call without counts is not free. */
export function readUsage(usage: LanguageModelV4Usage | undefined, prompt: unknown, content: unknown): ModelUsage {
  const { inputTokens, outputTokens } = usage ?? {}
  const count = (reported: unknown, what: unknown) => (isTokenCount(reported) ? Math.floor(reported) : estimated(what))
  return {
    inputTokens: count(inputTokens?.total, prompt),
    outputTokens: count(outputTokens?.total, content),
    ...(isTokenCount(inputTokens?.cacheRead) && inputTokens.cacheRead >= 1
      ? { cacheReadTokens: Math.floor(inputTokens.cacheRead) }
      : {}),
    ...(isTokenCount(inputTokens?.cacheWrite) && inputTokens.cacheWrite >= 1
      ? { cacheWriteTokens: Math.floor(inputTokens.cacheWrite) }
      : {}),
  }
}
