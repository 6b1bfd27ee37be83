/** The texts of a prompt, as a test names them: without the escapes and the field names of its JSON. */
import type { LanguageModelV4Prompt } from '@ai-sdk/provider'

type Content = LanguageModelV4Prompt[number]['content']
type Part = Exclude<Content, string>[number]

/**
 * Returns the texts of the messages and of the names, arguments and results of tools, and at last all of them together.
 * Arguments and results are there as JSON, and each text in them as it is.
 */
export function promptTexts(prompt: LanguageModelV4Prompt): readonly string[] {
  const texts = prompt.flatMap(({ content }) =>
    typeof content === 'string' ? [content] : (content as readonly Part[]).flatMap(partTexts),
  )
  return [...texts, texts.join('\n')]
}

function partTexts(part: Part): readonly string[] {
  if (part.type === 'text' || part.type === 'reasoning') return [part.text]
  if (part.type === 'file') return part.filename === undefined ? [] : [part.filename]
  if (part.type === 'tool-call') return [part.toolName, ...valueTexts(part.input)]
  if (part.type === 'tool-result') return [part.toolName, ...valueTexts(part.output)]
  return []
}

const valueTexts = (value: unknown): readonly string[] => [JSON.stringify(value), ...textsIn(value)]

function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : []
}
