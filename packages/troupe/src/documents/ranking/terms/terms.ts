/**
 * The terms of the index: words in lower case without plural or verb ending, and the parts of names such as
 * `maxConnections` and `max_connections`. Scripts without spaces between words result in pairs of characters. Questions
 * and texts are converted in the same way.
 */

import { checkText } from '../../../core/index.ts'
import { ownCopy } from './text-pieces.ts'

const word = /[\p{L}\p{N}_$]+/gu
const unspaced = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u
const longestTerm = 64

const bareAddress = /\b(?:https?|ftp):\/\/[^\s<>)"'`]+/g
/** The address of a link or image, and a bare address. */
const address = /(?<=\]\()[^)\s]*|\b(?:https?|ftp):\/\/[^\s<>)"'`]+/g

/** Removes the addresses: they name a place and say nothing about it. A link ends before the last bracket of the text. */
function withoutAddresses(text: string): string {
  const end = text.lastIndexOf(')') + 1
  return text.slice(0, end).replace(address, ' ') + text.slice(end).replace(bareAddress, ' ')
}

const stopWords = new Set(
  `a about after all also am an and any are as at be because been before being between both but by can could did do
  does doing each every for from get give got had has have he her here his how i if in into is it its itself just many
  may me mean might more most much must my need no nor not of on once one only or other our out over own please same
  shall she should so some such than that the their them then there these they this those through to too under until
  up us use used using very want was we were what when where whether which while who whom whose why will with would
  you your happen happens`.split(/\s+/),
)

/**
 * Brings spellings of British and American English together that a stem does not. Called for each word: cheap tests
 * first.
 */
function spelled(term: string): string {
  if (term.includes('is')) return term.replace(/is(?=(?:e|ed|es|er|ers|ing|ation|ations)$)/, 'iz')
  if (term.includes('our')) return term.replace(/(?<=^(?:col|fav|behavi|hon|lab|neighb|harb|flav))our/, 'or')
  if (term.startsWith('licenc')) return `licens${term.slice(6)}`
  if (term.startsWith('cancell')) return `cancel${term.slice(7)}`
  return /^catalogu?e?$/.test(term) ? 'catalog' : term
}

/** The terms of a text in order, with repetitions. */
export function termsOf(text: string): string[] {
  checkText('termsOf', text)
  const terms: string[] = []
  for (const [token] of withoutAddresses(text).matchAll(word)) {
    if (token.length > longestTerm) continue
    if (/[\u0e00-\uffff]/.test(token) && unspaced.test(token)) terms.push(...pairs(token))
    else {
      for (const part of partsOfName(token)) add(part, terms)
      add(token, terms)
    }
  }
  return terms
}

/** Returns whether a word has a meaning of content, rather than being a function word. */
export const isSignificant = (token: string): boolean => !stopWords.has(token.toLowerCase())

/** The words that a name in code is made of; none for a plain word. */
export function partsOfName(token: string): string[] {
  if (!/[a-z\d][A-Z]|_|[A-Z]{2}[a-z]/.test(token)) return []
  return token
    .split(/(?<=[a-z\d])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|_+/)
    .filter((part) => part !== '' && part !== token)
}

/** The term of one word, undefined for a word that carries no meaning. */
export function termOf(token: string): string | undefined {
  // Before its ending is removed, since "this" would become a word that is not in the list.
  const lower = token.toLowerCase()
  if (stopWords.has(lower)) return undefined
  const term = stem(lower)
  return term.length > 1 || /\d/.test(term) ? ownCopy(term) : undefined
}

function add(token: string, terms: string[]): void {
  const term = termOf(token)
  if (term !== undefined) terms.push(term)
}

/** Brings the endings of English together; other words stay as they are. */
function stem(term: string): string {
  if (term.length < 4 || !/^[a-z]+$/.test(term)) return term
  let base = spelled(term)
  if (base.length > 4 && base.endsWith('ies')) base = `${base.slice(0, -3)}y`
  else if (/(?:ss|x|sh|ch)es$/.test(base)) base = base.slice(0, -2)
  else if (/[^su]s$/.test(base)) base = base.slice(0, -1)
  if (base.length > 5 && base.endsWith('ing')) base = undoubled(base.slice(0, -3))
  else if (base.length > 4 && base.endsWith('ied')) base = `${base.slice(0, -3)}y`
  else if (base.length > 4 && base.endsWith('ed')) base = undoubled(base.slice(0, -2))
  if (base.length > 6)
    base = base
      .replace(/(?:ation|ition)$/, 'at')
      .replace(/(?:ment|ness|able|ible)$/, '')
      .replace(/tion$/, 't')
      .replace(/ally$/, 'al')
      .replace(/ly$/, '')
  if (base.length > 4 && base.endsWith('er')) base = base.slice(0, -2)
  if (base.length > 3 && base.endsWith('e')) base = base.slice(0, -1)
  return base.length > 3 && base.endsWith('y') ? `${base.slice(0, -1)}i` : base
}

const undoubled = (term: string): string => (/([bdgmnprt])\1$/.test(term) ? term.slice(0, -1) : term)

function pairs(token: string): string[] {
  const characters = [...token]
  if (characters.length === 1) return characters
  return characters.slice(1).map((character, i) => `${characters[i]}${character}`)
}
