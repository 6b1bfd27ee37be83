/**
 * Splits a question into its parts by its clauses and enumerations. The rules use common English verbs and question words,
 * not the meaning. A question to which no rule applies is returned unchanged.
 */
import { truncateText } from '../../../core/index.ts'

const interrogative =
  '(?:how|what|why|when|where|which|who|whose|does|do|is|are|can|could|should|will|would|must|under what|in what|to what)'
const clauseEnd = new RegExp(
  `(?<=[?？;；])\\s+|;\\s*(?=${interrogative}\\b)|,?\\s+(?:and|or|but)\\s+(?=${interrogative}\\b)|,\\s+(?=(?:how|what|why|when|where|which|who)\\b)`,
  'i',
)
const separator = /\s*,\s*(?:(?:and|or)\s+)?|\s+(?:and|or)\s+/gi
const comparing = /\b(?:compare[ds]?|comparison|differ(?:s|ence|ences)?|between|versus|vs|relate[ds]?|combine[ds]?)\b/i
const beforeSuffix = /^(.+?)(\s+(?:in|of|for|with|when|at|on|to|from|under|during|by|within|across|if|between)\s.*)$/i

const verbs = new Set(
  `abort add adapt adopt allow apply avoid batch bound build cache call cancel change check choose clean close collect
  communicate compare compress configure connect control coordinate create debug decide define delete deliver deploy
  describe design detect develop emit enable encode encrypt end ensure evaluate execute explain extend fail fetch find
  fix follow format generate get give handle help identify implement import improve index install integrate invoke
  isolate join keep launch limit link list load log maintain make manage measure merge migrate minimise minimize monitor
  move name observe open optimise optimize order parse pause persist plan prepare prevent process produce protect prove
  provide publish queue read receive record recover reduce refuse register reject release remove replace report request
  resolve respond restart restore resume retry return review run save scale schedule search secure select send serve
  set share shut sign slow sort split start stop store stream summarise summarize support switch test throttle tolerate
  trace track train transform trigger understand update upgrade use validate verify version wait watch work wrap
  write`.split(/\s+/),
)

/** The maximal number of parts of a question. */
const maxQuestions = 8

/**
 * @param question one question or several, at most 2,000 characters of it
 * @returns at least one question, in the order of the text
 * @example
 * splitQuestion('How does the queue retry jobs and limit concurrency?')
 * // ['How does the queue retry jobs?', 'How does the queue limit concurrency?']
 */
export function splitQuestion(question: string): string[] {
  const trimmed = truncateText(question, 2_000).trim().replace(/\s+/g, ' ')
  const clauses = trimmed.split(clauseEnd).map((clause) => clause.trim())
  const questions = clauses.filter((clause) => clause !== '').flatMap(splitClause)
  const different = [...new Map(questions.map((one) => [one.toLowerCase(), one])).values()]
  return different.length < 2 ? [trimmed] : different.slice(0, maxQuestions).map(capitalised)
}

function splitClause(clause: string): string[] {
  const end = /[?？.!;]+$/.exec(clause)?.[0] ?? ''
  const body = clause.slice(0, clause.length - end.length)
  const finish = new RegExp(`^${interrogative}\\b`, 'i').test(body) || end.startsWith('?') ? '?' : end.replace(';', '')
  const parts = byVerbs(body) ?? byItems(body)
  return (parts ?? [body]).map((part) => `${part}${finish}`)
}

function capitalised(question: string): string {
  return `${question.charAt(0).toUpperCase()}${question.slice(1)}`
}

interface Segment {
  readonly text: string
  readonly start: number
  readonly end: number
}

function segmentsOf(body: string): Segment[] {
  const segments: Segment[] = []
  let start = 0
  for (const match of body.matchAll(separator)) {
    segments.push({ text: body.slice(start, match.index), start, end: match.index })
    start = match.index + match[0].length
  }
  segments.push({ text: body.slice(start), start, end: body.length })
  return segments.filter((segment) => segment.text !== '')
}

/** `How should X do A and B, stop C, and limit D`: one question for each verb, with the subject before the first. */
function byVerbs(body: string): string[] | undefined {
  const segments = segmentsOf(body)
  const starts = segments.flatMap((segment, i) => (i > 0 && isVerb(firstWord(segment.text)) ? [i] : []))
  const first = segments[0]
  if (!first || starts.length === 0) return undefined
  const subject = subjectOf(body.slice(0, segments[starts[0] ?? 0]?.start ?? 0))
  if (subject === undefined) return undefined
  return [0, ...starts].map((from, i, all) => {
    const last = segments[(all[i + 1] ?? segments.length) - 1] ?? first
    const group = body.slice(segments[from]?.start ?? 0, last.end)
    return from === 0 ? group : `${subject}${group}`
  })
}

/** Returns the text before the first verb after a subject; empty for an imperative, undefined if there is none. */
function subjectOf(text: string): string | undefined {
  const words = [...text.matchAll(/\S+/g)]
  if (isVerb(words[0]?.[0] ?? '')) return ''
  const auxiliary = words.findIndex(([term]) =>
    /^(?:do|does|did|can|could|should|will|would|must|may|to|i|we|you)$/i.test(term),
  )
  // After an article or a possessive the same word is a noun: the queue, their cache.
  const noun = (i: number) =>
    /^(?:to|an?|the|this|that|these|my|our|your|its|their|each|every|no)$/i.test(words[i - 1]?.[0] ?? '')
  const verb = words.find(([term], i) => auxiliary >= 0 && i > auxiliary && isVerb(term) && !noun(i))
  return verb ? text.slice(0, verb.index) : undefined
}

/** `What are the costs, risks and limits of X`: one question for each noun, with the text before and after the nouns. */
function byItems(body: string): string[] | undefined {
  const segments = segmentsOf(body)
  if (segments.length < 3 || comparing.test(body)) return undefined
  const lead = /^(.*\s)(\S+)$/.exec(segments[0]?.text ?? '')
  const tail = segments.at(-1)?.text ?? ''
  const suffix = beforeSuffix.exec(tail)
  const items = [lead?.[2] ?? '', ...segments.slice(1, -1).map((one) => one.text), suffix?.[1] ?? tail]
  if (!lead?.[1] || items.some((item) => item === '' || item.split(' ').length > 4)) return undefined
  return items.map((item) => `${lead[1]}${item}${suffix?.[2] ?? ''}`)
}

function firstWord(text: string): string {
  return /^\S+/.exec(text)?.[0] ?? ''
}

function isVerb(term: string): boolean {
  return verbs.has(term.toLowerCase())
}
