/** Reads from a prompt the question, the texts to answer from, and the tools that were called since. */
import type { LanguageModelV4Prompt, LanguageModelV4ToolResultOutput } from '@ai-sdk/provider'
import { sentencesOf } from './text/sentences.ts'
import { type Facts, parsed, SourceReader, type TextSource } from './text/sources.ts'

export interface ToolUse {
  readonly name: string
  readonly input: unknown
  /** Undefined if the call has no result yet. */
  readonly success: boolean | undefined
}

export interface PromptTask {
  /** The system messages. */
  readonly instructions: string
  /** The last user message, unchanged. */
  readonly request: string
  /** The question in it, without the texts that come with it. */
  readonly question: string
  /** Texts that the user gave or that tools found. */
  readonly sources: readonly TextSource[]
  /** Passages that a tool or the user has chosen. Those marked `near` are about the question and do not answer it. */
  readonly quotations: readonly TextSource[]
  /** The system messages without their instructions: used if there is no other text. */
  readonly background: readonly TextSource[]
  readonly records: readonly Facts[]
  /** Calls since the last user message, in order. */
  readonly calls: readonly ToolUse[]
  /** Calls in the whole conversation. */
  readonly callCount: number
  /** A message after the model's plain-text answer, by which the runtime asks for another form. */
  readonly steering: string
  /** The number of parts that are not text, and whether the prompt was longer than the limit. */
  readonly unread: { readonly files: number; readonly cut: boolean }
}

type Message = LanguageModelV4Prompt[number]

/** Reads a prompt. Does not throw for any content. */
export function readPrompt(prompt: LanguageModelV4Prompt): PromptTask {
  const reader = new SourceReader()
  const last = prompt.findLastIndex((message, i) => message.role === 'user' && !isSteering(prompt, i))
  const request = last < 0 ? '' : textOf(prompt[last])
  const { question, rest } = splitRequest(request)
  reader.text(rest)
  for (const [i, message] of prompt.entries()) {
    if (message.role === 'tool') readResults(message, reader)
    else if (message.role === 'user' && i !== last && !isSteering(prompt, i)) reader.text(textOf(message))
  }
  const instructions = prompt.flatMap((message) => (message.role === 'system' ? [message.content] : [])).join('\n\n')
  const background = new SourceReader()
  background.text(withoutOrders(instructions))
  const calls = usesAfter(prompt, -1)
  return {
    instructions,
    request,
    question,
    ...reader.found,
    background: background.found.sources,
    calls: usesAfter(prompt, last),
    callCount: calls.length,
    steering: steeringOf(prompt),
    unread: { files: filesIn(prompt), cut: reader.cut },
  }
}

function textOf(message: Message | undefined): string {
  if (!message) return ''
  if (message.role === 'system') return message.content
  return message.content.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n')
}

/** Returns whether a message follows a plain-text answer of the model and asks for a call of a coordination tool. */
function isSteering(prompt: LanguageModelV4Prompt, index: number): boolean {
  const before = prompt[index - 1]
  if (before?.role !== 'assistant' || before.content.some((part) => part.type === 'tool-call')) return false
  return /\b(?:finish|invoke_agent|hand_off|ask_user)\b/.test(textOf(prompt[index]))
}

function steeringOf(prompt: LanguageModelV4Prompt): string {
  const last = prompt.length - 1
  return isSteering(prompt, last) ? textOf(prompt[last]) : ''
}

const asking = /^(?:question|sub_?question|task|query|request|topic|goal|prompt|input|message)$/i
const label =
  /^[ \t]*(?:#+[ \t]*|\*\*)?(?:research[ \t])?(?:question|task|query|request|topic|goal)(?:\*\*)?[ \t]*:[ \t]*(?:\*\*)?[ \t]*(\S[^\n]*)$/im
const longestQuestion = 600

/** Separates the question from the texts that come with it. */
function splitRequest(request: string): { question: string; rest: string } {
  const value = parsed(request)
  if (value && typeof value === 'object' && !Array.isArray(value)) {
    const fields = Object.entries(value)
    const found = fields.find(([key, field]) => asking.test(key) && typeof field === 'string')
    // A further question is context, and not a text to answer from.
    const others = fields.filter((field) => field !== found && !/question$/i.test(field[0]))
    if (typeof found?.[1] === 'string') return { question: found[1], rest: JSON.stringify(Object.fromEntries(others)) }
  }
  const labelled = label.exec(request)
  if (labelled?.[1]) return { question: labelled[1].trim(), rest: request.replace(labelled[0], '') }
  const order = /^\s*(\S[^\n:]{2,120}):(?=\s)/.exec(request)
  const asked = sentencesOf(request).find((sentence) => /[?？]$/.test(sentence.text))
  if (asked) return { question: asked.text, rest: request.length === asked.text.length ? '' : without(request, asked) }
  if (order?.[1]) return { question: order[1], rest: request.slice(order[0].length) }
  if (request.length <= longestQuestion && !request.trim().includes('\n')) return { question: request.trim(), rest: '' }
  const paragraphs = request.trim().split(/\n\s*\n/)
  const short =
    [paragraphs[0], paragraphs.at(-1)].find((one) => one !== undefined && one.length <= longestQuestion) ?? ''
  return { question: short.trim().replace(/\s+/g, ' '), rest: request.replace(short, '') }
}

function without(request: string, sentence: { text: string; offset: number }): string {
  const words = sentence.text.split(' ').at(-1) ?? ''
  const end = request.indexOf(words, sentence.offset + Math.max(0, sentence.text.length - words.length)) + words.length
  return `${request.slice(0, sentence.offset)}\n\n${request.slice(end)}`
}

const order =
  /^(?:you|your|always|never|do|don't|answer|use|reply|respond|return|write|cite|quote|please|if|make|when|only|be|keep|call|ask|give|find|read|search|state|name|list|report|check|plan|work|as)\b/i

/** Instructions may have knowledge too: returns them without the sentences that instruct the model. */
function withoutOrders(instructions: string): string {
  return instructions
    .split('\n')
    .filter((line) => !order.test(line.replace(/^[\s\-*#>\d.]+/, '')))
    .join('\n')
}

function readResults(message: Extract<Message, { role: 'tool' }>, reader: SourceReader): void {
  for (const part of message.content) {
    if (part.type !== 'tool-result') continue
    const { output } = part
    if (output.type === 'text') reader.text(output.value)
    else if (output.type === 'json') reader.value(output.value)
    else if (output.type === 'content')
      for (const item of output.value) if (item.type === 'text') reader.text(item.text)
  }
}

function usesAfter(prompt: LanguageModelV4Prompt, index: number): ToolUse[] {
  const after = prompt.slice(index + 1)
  const outcomes = new Map<string, boolean>()
  for (const message of after) {
    if (message.role !== 'tool' && message.role !== 'assistant') continue
    for (const part of message.content)
      if (part.type === 'tool-result') outcomes.set(part.toolCallId, succeeded(part.output))
  }
  return after.flatMap((message) =>
    message.role !== 'assistant'
      ? []
      : message.content.flatMap((part) =>
          part.type === 'tool-call'
            ? [{ name: part.toolName, input: part.input, success: outcomes.get(part.toolCallId) }]
            : [],
        ),
  )
}

function succeeded(output: LanguageModelV4ToolResultOutput): boolean {
  if (output.type === 'execution-denied' || output.type === 'error-text' || output.type === 'error-json') return false
  const value = output.type === 'text' ? parsed(output.value) : output.type === 'json' ? output.value : undefined
  return !(value && typeof value === 'object' && 'success' in value && value.success === false)
}

function filesIn(prompt: LanguageModelV4Prompt): number {
  let count = 0
  for (const message of prompt)
    if (message.role === 'user') count += message.content.filter((part) => part.type === 'file').length
  return count
}
