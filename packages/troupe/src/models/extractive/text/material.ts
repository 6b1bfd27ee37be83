/** The parts from which an answer, a tool call or a JSON object is made, derived from the prompt alone. */
import { isSignificant } from '../../../documents/index.ts'
import type { PromptTask } from '../read-prompt.ts'
import type { FindFitting } from '../schema/find-fitting.ts'
import { centralSentences, type Quote, rankSentences } from './rank-sentences.ts'
import { splitQuestion } from './split-question.ts'

export interface Material {
  readonly task: PromptTask
  readonly intent: 'answer' | 'summarise' | 'split'
  /** The sentences that answer, best first; for a summary, those that sum up, in their order. */
  readonly quotes: readonly Quote[]
  readonly subQuestions: readonly string[]
  /** The words of the question that carry meaning, in order. */
  readonly keywords: readonly string[]
  /** Chooses among the texts by a pattern of a schema. */
  readonly findFitting: FindFitting
}

/** The maximal number of sentences in one answer. */
const maxQuotes = 12

const summarising =
  /\b(?:summari[sz]e[ds]?|summari[sz]ing|summary|tl;?dr|digest|condense|shorten|key points|main points)\b/i
const splitting = /\b(?:sub-?questions?|(?:break|split)(?:s|ting|ing)?\b.{0,60}\b(?:down|up|into)|decompose[sd]?)\b/i

export function materialOf(task: PromptTask, findFitting: FindFitting): Material {
  const intent = intentOf(task)
  const { question, sources, background } = task
  let quotes: readonly Quote[] = []
  if (intent === 'summarise') quotes = centralSentences(sources.length > 0 ? sources : background, 5)
  else if (task.quotations.length > 0) quotes = chosenQuotes(task)
  else {
    quotes = rankSentences(question, sources, maxQuotes)
    if (quotes.length === 0) quotes = rankSentences(question, background, maxQuotes)
  }
  const words = question.match(/[\p{L}\p{N}][\p{L}\p{N}_-]*/gu) ?? []
  const keywords = [...new Set(words.filter((word) => word.length > 1 && isSignificant(word)))].slice(0, 12)
  return { task, intent, quotes, subQuestions: splitQuestion(question), keywords, findFitting }
}

/** Returns the chosen passages in their order. A tool has ranked them among all texts, so they are not ranked here. */
function chosenQuotes({ quotations }: PromptTask): Quote[] {
  const different = new Map(quotations.map((one) => [`${one.facts.file}:${one.facts.line} ${one.text}`, one]))
  return [...different.values()]
    .filter(({ facts }) => facts.near !== true)
    .slice(0, maxQuotes)
    .map(({ text, facts }, order) => ({ text, facts, coverage: 1, order }))
}

/** Returns the intent of the question; if its words have none, that of the instructions. */
function intentOf({ question, instructions }: PromptTask): Material['intent'] {
  for (const text of [question, instructions]) {
    if (splitting.test(text)) return 'split'
    if (summarising.test(text)) return 'summarise'
  }
  return 'answer'
}
