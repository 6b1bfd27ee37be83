/** Words, which this model counts as its tokens. */
import type { LanguageModelV4Prompt } from '@ai-sdk/provider'

export function countWords(text: string): number {
  let count = 0
  for (const _ of text.matchAll(/\S+/g)) count += 1
  return count
}

export function wordsInPrompt(prompt: LanguageModelV4Prompt): number {
  return prompt.reduce((sum, message) => sum + countWords(messageText(message)), 0)
}

function messageText(message: LanguageModelV4Prompt[number]): string {
  if (message.role === 'system') return message.content
  const texts = message.content.map((part) => {
    if (part.type === 'text' || part.type === 'reasoning') return part.text
    if (part.type === 'tool-call') return JSON.stringify(part.input) ?? ''
    if (part.type !== 'tool-result') return ''
    const { output } = part
    if (output.type === 'text' || output.type === 'error-text') return output.value
    if (output.type === 'execution-denied') return output.reason ?? ''
    return JSON.stringify(output.value)
  })
  return texts.join(' ')
}

/**
 * Ends a text before the first stop sequence, and after the maximal number of words.
 * @returns the text, and whether the maximal number of words cut it
 */
export function cutText(
  text: string,
  words = Number.POSITIVE_INFINITY,
  stop: readonly string[] = [],
): { text: string; cut: boolean } {
  const ends = stop.map((one) => (one === '' ? -1 : text.indexOf(one))).filter((at) => at >= 0)
  const stopped = ends.length > 0 ? text.slice(0, Math.min(...ends)) : text
  let count = 0
  for (const match of stopped.matchAll(/\S+/g)) {
    count += 1
    if (count > words) return { text: stopped.slice(0, match.index).trimEnd(), cut: true }
  }
  return { text: stopped, cut: false }
}
