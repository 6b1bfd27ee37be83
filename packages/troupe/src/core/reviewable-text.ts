/**
 * The texts that a person reads before approving a call: its arguments, the reason of a rule, the question. A model or a
 * caller chose their order, their length and every character: none of the three may hide what the call does. Each surface
 * that shows an approval shows these texts: the API, HTTP, MCP, the command line, and the page.
 */

import type { Json } from './values/json-value.ts'
import { truncateText } from './values/truncate-text.ts'

const maxLength = 1_000
const maxEntries = 200

/**
 * What is not seen, or looks like something else: format and control characters, fillers and variation selectors, spaces
 * that are none of the usual ones, the blank of Braille, full-width and mathematical forms of ASCII.
 */
const unseen = /[\p{C}\p{Default_Ignorable_Code_Point}\u2028\u2029\u2800\uff01-\uff5e\u{1d400}-\u{1d7ff}]|(?! )\p{Zs}/gu
/** Scripts whose letters are taken for each other's, also without Latin. */
const confusableNames = ['Latin', 'Greek', 'Cyrillic', 'Armenian', 'Cherokee', 'Coptic', 'Lisu', 'Deseret']
/** Chinese, Japanese and Korean words usually contain Latin letters. Letters of all scripts are Common or Inherited. */
const usualNames = ['Common', 'Inherited', 'Han', 'Hiragana', 'Katakana', 'Hangul', 'Bopomofo']
const classOf = (names: readonly string[]) => names.map((name) => `\\p{Script=${name}}`).join('')
const scriptsOfWords = [
  ...confusableNames.map((name) => ({ name, letters: new RegExp(classOf([name]), 'gu') })),
  {
    name: 'another script',
    letters: new RegExp(`[^\\P{L}${classOf([...confusableNames, ...usualNames])}]`, 'gu'),
  },
]
const words = /[\p{L}\p{M}\p{N}.@_-]+/gu

const escaped = (one: string) => `\\u{${(one.codePointAt(0) as number).toString(16)}}`

/** @returns the text with nothing invisible and no letters of mixed scripts; unchanged if it was marked before */
export const markedText = (text: string): string => text.replace(words, markMixed).replace(unseen, escaped)

function shortened(text: string): string {
  const shown = text.length <= maxLength ? text : truncateText(text, maxLength)
  return markedText(shown) + cut(text.length - shown.length, 'characters')
}

/** Shows the letters of all scripts of a word except its most frequent one by their numbers. */
function markMixed(word: string): string {
  const scripts = scriptsOfWords
    .map(({ name, letters }) => ({ name, letters, count: word.match(letters)?.length ?? 0 }))
    .filter(({ count }) => count > 0)
  if (scripts.length < 2) return word
  const [, ...foreign] = scripts.toSorted((a, b) => b.count - a.count)
  const misleading = new RegExp(foreign.map(({ letters }) => letters.source).join('|'), 'gu')
  return `${word.replace(misleading, escaped)} (mixes ${scripts.map(({ name }) => name).join(' and ')})`
}

/** @returns the lines of a text, each with nothing invisible and no letters of mixed scripts */
export const markedLines = (text: string): string => text.split('\n').map(markedText).join('\n')

const cut = (count: number, of: string) => (count > 0 ? `… (${count} more ${of}: see args)` : '')

/**
 * @param args JSON
 * @returns the complete arguments as JSON text of several lines: short ones first, nothing invisible
 */
export function reviewableLines(args: unknown, indent = ''): string {
  if (typeof args === 'string') return markedText(JSON.stringify(args))
  if (typeof args !== 'object' || args === null) return JSON.stringify(args)
  const inner = `${indent}  `
  const isList = Array.isArray(args)
  const all = isList
    ? args.map((item) => reviewableLines(item, inner))
    : Object.entries(args)
        .map(([name, value]) => `${markedText(JSON.stringify(name))}: ${reviewableLines(value, inner)}`)
        .toSorted((a, b) => a.length - b.length)
  const text = all.length === 0 ? '' : `\n${all.map((line) => inner + line).join(',\n')}\n${indent}`
  return isList ? `[${text}]` : `{${text}}`
}

/** @returns the arguments as JSON text: short ones first, nothing left out without a mark, nothing invisible */
export function reviewableText(args: Json): string {
  if (typeof args === 'string') return shortened(JSON.stringify(args))
  if (typeof args !== 'object' || args === null) return JSON.stringify(args)
  const isList = Array.isArray(args)
  const all = isList
    ? args.map((item) => reviewableText(item))
    : Object.entries(args)
        .map(([name, value]) => `${shortened(JSON.stringify(name))}:${reviewableText(value as Json)}`)
        .toSorted((a, b) => a.length - b.length)
  const shown = all.slice(0, maxEntries)
  const rest = cut(all.length - shown.length, 'entries')
  const text = [...shown, ...(rest === '' ? [] : [rest])].join(',')
  return isList ? `[${text}]` : `{${text}}`
}
