/**
 * Converts the messages of model calls into the JSON of OpenTelemetry's attributes `gen_ai.input.messages` and
 * `gen_ai.output.messages`: each message has a role and parts.
 */
import { fieldOf, truncateText } from '../../core/index.ts'

type Redact = (text: string) => string
type Shorten = (value: unknown) => unknown
type Message = { readonly role: unknown; readonly content: unknown; readonly finishReason?: string }

/** The highest number of characters of all messages of one attribute. */
const maxCharacters = 16_000
/** The highest numbers of characters of one text, or of one value as JSON: the first with which the newest message fits. */
const textLimits = [8_000, 1_000, 100]

/** Returns the newest messages of a prompt. */
export const inputMessages = (prompt: unknown, redact: Redact): string =>
  messagesText(
    listIn(prompt).map((message) => ({ role: fieldOf(message, 'role'), content: fieldOf(message, 'content') })),
    redact,
  )

/** @param finish why the model ended the answer */
export const outputMessages = (answer: unknown, finish: unknown, redact: Redact): string =>
  messagesText(
    [{ role: 'assistant', content: answer, finishReason: finishReasons[String(finish)] ?? String(finish) }],
    redact,
  )

const finishReasons: { readonly [reason: string]: string } = {
  'tool-calls': 'tool_call',
  'content-filter': 'content_filter',
}

/** Omits the oldest messages where not all fit, so that the text stays valid JSON. */
function messagesText(messages: readonly Message[], redact: Redact): string {
  for (const limit of textLimits) {
    const texts: string[] = []
    let characters = 2
    for (const message of messages.toReversed()) {
      const text = JSON.stringify(encodeMessage(message, (value) => shortened(value, limit, redact)))
      characters += text.length + 1
      if (characters > maxCharacters) break
      texts.unshift(text)
    }
    if (texts.length > 0 || messages.length === 0) return `[${texts.join()}]`
  }
  return '[]'
}

const encodeMessage = ({ role, content, finishReason }: Message, shorten: Shorten) => ({
  role,
  parts:
    typeof content === 'string' ? [textPart(content, shorten)] : listIn(content).map((part) => partOf(part, shorten)),
  ...(finishReason === undefined ? {} : { finish_reason: finishReason }),
})

const textPart = (text: unknown, shorten: Shorten) => ({ type: 'text', content: shorten(text) })

function partOf(part: unknown, shorten: Shorten): object {
  const of = (name: string) => fieldOf(part, name)
  switch (of('type')) {
    case 'text':
      return textPart(of('text'), shorten)
    case 'reasoning':
      return { type: 'reasoning', content: shorten(of('text')) }
    case 'tool-call':
      return {
        type: 'tool_call',
        id: of('toolCallId'),
        name: of('toolName'),
        arguments: shorten(parsed(of('input'))),
      }
    case 'tool-result':
      return { type: 'tool_call_response', id: of('toolCallId'), response: shorten(of('output')) }
    default:
      // The bytes of files are left out.
      return { type: of('type'), mime_type: of('mediaType') }
  }
}

/** A model returns the arguments of a call as JSON, and a prompt has their value. */
function parsed(value: unknown): unknown {
  try {
    return typeof value === 'string' ? JSON.parse(value) : value
  } catch {
    return value
  }
}

/** Redacts before it cuts: a part of a secret is not recognised. */
function shortened(value: unknown, limit: number, redact: Redact): unknown {
  const text = redact(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))
  if (text.length > limit) return truncateText(text, limit)
  return typeof value === 'string' ? text : parsed(text)
}

const listIn = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
