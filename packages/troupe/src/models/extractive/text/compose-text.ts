/** The plain-text answer: sentences of the given texts, word for word, and a plain statement if there are none. */
import type { Material } from './material.ts'
import type { Quote } from './rank-sentences.ts'
import type { Facts } from './sources.ts'

/** The maximal number of sentences that a plain answer quotes. */
const maxQuotes = 5

export function composeText({ task, intent, quotes, subQuestions }: Material): string {
  if (intent === 'split') return subQuestions.map((one, i) => `${i + 1}. ${one}`).join('\n')
  if (quotes.length > 0) return quotes.slice(0, maxQuotes).map(lineOf).join('\n')
  if (task.question.trim() === '') return 'Nothing was asked.'
  const read = task.sources.length + task.quotations.length + task.background.length
  if (read === 0)
    return 'This is the offline extractive model: it quotes from texts that it is given, and it was given none.'
  return `Nothing in the given text answers this: ${task.question}`
}

function lineOf({ text, facts }: Quote): string {
  const origin = originOf(facts)
  return origin === undefined ? `“${text}”` : `“${text}” (${origin})`
}

/** Names of values with the origin of a text, the most reliable first. */
export const originNames = ['file', 'path', 'document', 'source', 'url', 'uri', 'filename', 'key']

function originOf(facts: Facts): string | undefined {
  const origin = originNames.map((name) => facts[name]).find((value) => typeof value === 'string')
  if (origin === undefined) return undefined
  return typeof facts.line === 'number' ? `${origin}:${facts.line}` : String(origin)
}
