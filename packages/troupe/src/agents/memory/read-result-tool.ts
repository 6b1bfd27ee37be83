/**
 * Long tool results: the thread has their beginning, and the model reads the rest with a tool. The complete result is
 * stored with the message that answers the call, so that later steps of the thread can read it too.
 */
import { z } from 'zod'
import { invalidInput, truncateText } from '../../core/index.ts'
import { defineTool, type Tool } from '../../tools/index.ts'
import type { LlmDefinition } from '../definitions/llm-definition.ts'
import { charactersPerToken, type ToolResultPart, tokensOf } from '../model/content/model-messages.ts'
import { withUnsent } from '../model/content/unsent.ts'
import type { Thread } from '../model/thread.ts'

export const readResultName = 'read_result'

/** The number of shown occurrences, and the number of characters around each. */
const limits = { occurrences: 8, around: 160, find: 200 }
/** The tokens of the text around a beginning or a part. */
const framingTokens = 50

const charactersOf = (maxTokens: number): number => (maxTokens - framingTokens) * charactersPerToken

/**
 * Shortens a text or JSON result. Files have other limits, and results of the tool itself are short enough.
 * @param maxTokens undefined if the model cannot read the rest
 */
export function shortenResult(part: ToolResultPart, maxTokens: number | undefined): ToolResultPart {
  const { output, toolName, toolCallId } = part
  if (maxTokens === undefined || toolName === readResultName) return part
  if (output.type !== 'text' && output.type !== 'json') return part
  const text = output.type === 'text' ? output.value : JSON.stringify(output.value)
  if (tokensOf(text) <= maxTokens) return part
  const beginning = truncateText(text, charactersOf(maxTokens))
  const value = `${beginning}\n\n(These are the first ${beginning.length} of ${text.length} characters. ${readResultName} reads the rest: { "call": "${toolCallId}", "from": ${beginning.length} }, or { "call": "${toolCallId}", "find": "…" }.)`
  return withUnsent({ ...part, output: { type: 'text', value } }, 'complete', text)
}

/** Returns undefined if results are not shortened, or if a tool of the agent's own has the name. */
export function readResultTool(
  { tools, helpers }: LlmDefinition,
  denied: ReadonlySet<string>,
  thread: Thread | undefined,
  maxTokens: number | undefined,
): Tool | undefined {
  if (maxTokens === undefined || !thread) return undefined
  if (denied.has(readResultName) || tools.has(readResultName) || helpers.has(readResultName)) return undefined
  const length = charactersOf(maxTokens)
  return defineTool({
    name: readResultName,
    description: `Reads a long result, of which the conversation holds the beginning: ${length} characters at a time, or where a text occurs in it.`,
    inputSchema: z.object({
      call: z.string().describe('The id of the result, which its beginning contains.'),
      from: z.int().min(0).optional().describe('The first character; 0 by default.'),
      find: z.string().min(1).max(limits.find).optional().describe('In place of from: a text to search for.'),
    }),
    durable: true,
    execute: async ({ call, from = 0, find }) => {
      const text = thread.completeResult(call)
      if (text === undefined)
        throw invalidInput(`${readResultName}.call`, 'no stored result of this thread has this id')
      return find === undefined ? partOf(text, from, length) : occurrencesOf(text, find, length)
    },
  })
}

function partOf(text: string, from: number, length: number): string {
  const part = truncateText(text.slice(from), length).toWellFormed()
  const rest = text.length - from - part.length
  if (part === '') return `(The result ends at character ${text.length}.)`
  return rest <= 0
    ? `${part}\n\n(The end of the result.)`
    : `${part}\n\n(${rest} more characters from ${from + part.length}.)`
}

function occurrencesOf(text: string, find: string, length: number): string {
  const lower = text.toLowerCase()
  // A few letters become longer in small letters, and positions would not fit.
  const [inText, wanted] = lower.length === text.length ? [lower, find.toLowerCase()] : [text, find]
  const excerpts: string[] = []
  let used = 0
  let count = 0
  for (let at = inText.indexOf(wanted); at >= 0; at = inText.indexOf(wanted, at + wanted.length)) {
    count++
    const begin = Math.max(0, at - limits.around)
    const excerpt = `${at}: ${text.slice(begin, at + wanted.length + limits.around).toWellFormed()}`
    if (excerpts.length === limits.occurrences || used + excerpt.length > length) continue
    used += excerpt.length
    excerpts.push(excerpt)
  }
  const shown = excerpts.length < count ? `, the first ${excerpts.length} here` : ''
  return [
    `(${count} ${count === 1 ? 'occurrence' : 'occurrences'}${shown}; each with the position of its first character.)`,
    ...excerpts,
  ].join('\n\n')
}
