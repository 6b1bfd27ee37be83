/**
 * The part of a thread that a hand-off carries. It is text, because the other agent has other tools and maybe another
 * model.
 */
import type { LanguageModelV4ToolResultOutput } from '@ai-sdk/provider'
import { type Json, textOfValue, truncateText } from '../../../core/index.ts'
import type { CarriedHistory, HistoryLine, Routing, StepEntry } from '../../agent-port.ts'
import type { ThreadMessage } from './model-messages.ts'

/** Characters of a summary by rules, and of one line in it. */
const maxSummary = 4_000
const maxLine = 400
/** The highest number of characters of the name at the beginning of a line. */
const maxName = 20

const fileText = (part: { readonly filename?: string; readonly mediaType: string }): string =>
  `(a file: ${part.filename ?? part.mediaType})`

const text = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))

/** Returns the thread as lines, with tool calls and their results, without the call that hands off. */
export const linesOf = (agent: string, messages: readonly ThreadMessage[]): readonly HistoryLine[] =>
  messages.flatMap((message) => {
    const lines: HistoryLine[] = []
    const from = message.role === 'user' ? 'user' : agent
    for (const part of message.content) {
      if ('toolName' in part && part.toolName === 'hand_off') continue
      if (part.type === 'text' && part.text.trim() !== '') lines.push({ from, text: part.text })
      else if (part.type === 'file') lines.push({ from, text: fileText(part) })
      else if (part.type === 'tool-call')
        lines.push({ from, text: `(calls ${part.toolName} with ${text(part.input)})` })
      else if (part.type === 'tool-result')
        lines.push({ from, text: `(${part.toolName} gave ${resultText(part.output)})` })
    }
    return lines
  })

const resultText = (output: LanguageModelV4ToolResultOutput): string =>
  output.type === 'content'
    ? output.value
        .map((part) => (part.type === 'text' ? part.text : part.type === 'file' ? fileText(part) : ''))
        .join(' ')
    : 'value' in output
      ? text(output.value)
      : 'reason' in output
        ? text(output.reason)
        : output.type

/**
 * Summarises by rules: the first question and the newest lines, each shortened, with the number of omitted lines.
 * @param history may begin with such a summary, whose first line stays the first
 * @param maxLength the highest number of characters, at most 4,000
 */
export function summaryByRules(
  history: Pick<CarriedHistory, 'lines' | 'omitted'>,
  maxLength = maxSummary,
): CarriedHistory {
  const bound = Math.min(maxLength, maxSummary)
  const longestLine = Math.min(maxLine, Math.floor(bound / 2) - maxName)
  const [first, ...others] = history.lines.map(({ from, text: fullText }) => {
    const line = fullText.trim().replaceAll(/\s+/g, ' ')
    return { from, text: line.length > longestLine ? `${truncateText(line, longestLine - 1)}…` : line }
  })
  if (first === undefined) return { kind: 'summary', lines: [] }
  const lengthOf = (line: HistoryLine) => Math.max(line.from.length, maxName) + line.text.length
  let left = bound - lengthOf(first)
  const newest: HistoryLine[] = []
  for (const line of others.toReversed()) {
    left -= lengthOf(line)
    if (left < 0) break
    newest.unshift(line)
  }
  const omitted = (history.omitted ?? 0) + others.length - newest.length
  return { kind: 'summary', lines: [first, ...newest], ...(omitted > 0 ? { omitted } : {}) }
}

/** Returns the text that the receiving agent reads before its input; undefined if nothing was carried. */
export function carriedText(history: CarriedHistory | undefined): string | undefined {
  if (history === undefined || history.lines.length === 0) return undefined
  const lines = history.lines.map(({ from, text: line }) => `${from}: ${line}`)
  if (history.omitted) lines.splice(1, 0, `summary: (${history.omitted} lines are left out)`)
  return [history.kind === 'all' ? 'What was said before:' : 'A summary of what was said before:', ...lines].join('\n')
}

/**
 * Returns the hand-off of a function agent, which has no thread with a model: it carries its input and the history that
 * it got.
 */
export function carriedByFunction(routing: Routing, { history, request, input }: StepEntry): Routing {
  if (routing.kind !== 'handOff' || routing.history === undefined) return routing
  const lines = [...(history?.lines ?? []), { from: 'user', text: textOfValue((request ?? input) as Json) }]
  const omitted = history?.omitted === undefined ? {} : { omitted: history.omitted }
  const carried =
    routing.history === 'all' ? { kind: 'all' as const, lines, ...omitted } : summaryByRules({ lines, ...omitted })
  return { ...routing, carried }
}
