/**
 * What a model said, made safe to keep: whatever a provider sends, an answer has texts that are texts, tool calls with
 * ids of their own and input as text, and usage that counts upwards.
 */
import type { LanguageModelV4Content, LanguageModelV4Usage } from '@ai-sdk/provider'
import { brokenAnswer } from './model-failure.ts'
import type { AnswerPart, ModelUsage } from './models-port.ts'

/** Longer answers are cut off: nobody reads them, and a stream without end must end. */
export const maxAnswerCharacters = 4_000_000

/** @throws Error when what came is no list of parts at all */
export function readContent(content: unknown): AnswerPart[] {
  if (!Array.isArray(content)) throw brokenAnswer('the answer holds no list of content')
  const taken = new Set<string>()
  const parts: AnswerPart[] = []
  for (const part of content as readonly LanguageModelV4Content[]) {
    if (part?.type === 'text' || part?.type === 'reasoning') {
      const text = typeof part.text === 'string' ? part.text.toWellFormed() : ''
      if (text !== '' || part.providerMetadata) parts.push(keep({ type: part.type, text }, part))
    } else if (part?.type === 'tool-call') {
      const toolCallId = freeId(part.toolCallId, taken)
      const input = typeof part.input === 'string' ? part.input : (JSON.stringify(part.input) ?? '')
      const call = {
        type: 'tool-call',
        toolCallId,
        toolName: String(part.toolName),
        input: input.toWellFormed(),
      } as const
      parts.push(keep(part.providerExecuted ? { ...call, providerExecuted: true } : call, part))
    } else if (part?.type === 'tool-result' && !part.preliminary) {
      parts.push(JSON.parse(JSON.stringify(part)) as AnswerPart)
    }
  }
  return parts
}

/** Providers want their metadata back (signatures of reasoning): it stays, as plain JSON. */
const keep = (part: AnswerPart, from: LanguageModelV4Content): AnswerPart =>
  from.providerMetadata
    ? ({ ...part, providerMetadata: JSON.parse(JSON.stringify(from.providerMetadata)) } as AnswerPart)
    : part

/** Two calls of one answer with one id would leave one of them without its result. */
function freeId(wanted: unknown, taken: Set<string>): string {
  const stem = typeof wanted === 'string' && wanted !== '' ? wanted.toWellFormed() : 'call'
  let id = stem
  for (let n = 2; taken.has(id); n++) id = `${stem}-${n}`
  taken.add(id)
  return id
}

const count = (value: unknown): number =>
  typeof value === 'number' && value > 0 && Number.isFinite(value) ? Math.floor(value) : 0

export interface ReadUsage extends ModelUsage {
  readonly cachedTokens: number
}

/** Missing, negative and absurd figures count as nothing. */
export function readUsage(usage: LanguageModelV4Usage | undefined): ReadUsage {
  return {
    inputTokens: count(usage?.inputTokens?.total),
    outputTokens: count(usage?.outputTokens?.total),
    cachedTokens: count(usage?.inputTokens?.cacheRead),
  }
}
