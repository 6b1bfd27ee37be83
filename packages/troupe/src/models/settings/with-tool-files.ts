/**
 * Moves the files that tools returned to where a provider reads them. OpenAI's chat API and compatible ones accept only text
 * as the result of a tool, so a file follows in a user message instead of base64 text.
 */
import type {
  LanguageModelV4CallOptions,
  LanguageModelV4Message,
  LanguageModelV4ToolResultPart,
} from '@ai-sdk/provider'
import type { ProviderKind } from './provider-settings.ts'

/** The providers that accept only text as the result of a tool. */
const textOnly: readonly ProviderKind[] = ['openai.chat', 'compatible', 'other']
export const takesToolFiles = (kind: ProviderKind): boolean => !textOnly.includes(kind)

type UserContent = Extract<LanguageModelV4Message, { role: 'user' }>['content']

export function withToolFiles(kind: ProviderKind, options: LanguageModelV4CallOptions): LanguageModelV4CallOptions {
  if (takesToolFiles(kind) || !options.prompt.some(hasContent)) return options
  return {
    ...options,
    prompt: options.prompt.flatMap((message) => (hasContent(message) ? splitFiles(message) : [message])),
  }
}

type ToolMessage = Extract<LanguageModelV4Message, { role: 'tool' }>
const hasContent = (message: LanguageModelV4Message): message is ToolMessage =>
  message.role === 'tool' &&
  message.content.some((part) => part.type === 'tool-result' && part.output.type === 'content')

/** Returns the results without their files, and the files. */
function splitFiles(message: ToolMessage): LanguageModelV4Message[] {
  const files: UserContent = []
  const results = message.content.map((part) =>
    part.type === 'tool-result' && part.output.type === 'content' ? withoutFiles(part, files) : part,
  )
  return [{ ...message, content: results }, ...(files.length > 0 ? [{ role: 'user' as const, content: files }] : [])]
}

function withoutFiles(part: LanguageModelV4ToolResultPart, files: UserContent): LanguageModelV4ToolResultPart {
  const texts: string[] = []
  for (const inner of part.output.type === 'content' ? part.output.value : []) {
    if (inner.type === 'text') texts.push(inner.text)
    if (inner.type !== 'file') continue
    texts.push(`(${inner.filename ?? inner.mediaType} of this result is in the message that follows.)`)
    files.push({ type: 'text', text: `A file of the result ${part.toolCallId} of ${part.toolName}:` }, inner)
  }
  return { ...part, output: { type: 'text', value: texts.join('\n') } }
}
