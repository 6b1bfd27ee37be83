/**
 * Checks a citation against its source. The file is read and extracted again, so that the check does not depend on the index,
 * a tool or a model.
 */
import { checkFunction, checkText, failure, fieldOf, objectOf, show, truncateText } from '../core/index.ts'
import type { Extraction } from './reading/extract.ts'

/** A quotation with the location that is claimed for it. */
export interface Citation {
  /** The path of the document, as it is cited. */
  readonly file: string
  /** The line, from 1, in which the quotation starts. */
  readonly line: number
  /** The line in which the quotation ends; not checked if it is absent. */
  readonly endLine?: number
  /** The quotation. */
  readonly quote: string
}

/** The result of `verifyCitation`. */
export type CitationVerdict =
  | {
      readonly ok: true
      /** The line in which the quotation starts. */
      readonly line: number
      /** The line in which the quotation ends. */
      readonly endLine: number
    }
  | {
      readonly ok: false
      /**
       * The kind of the fault: an empty or too long quotation, an unknown file, a text that is not in the file, or
       * another line.
       */
      readonly fault: 'unusable quote' | 'wrong file' | 'wrong quote' | 'wrong line'
      /** A sentence that says what is wrong, with the right lines. */
      readonly message: string
      /** The lines in which the quotation starts, at most ten; empty if it is not in the file. */
      readonly foundAt: readonly number[]
    }

/** The source of the texts, such as a `DocumentIndex`. */
export interface CitationSource {
  /** Returns the text of a document; undefined if it is not among the documents or cannot be read. */
  extraction(path: string): Promise<Extraction | undefined>
}

/** The longest quotation that is checked, in characters: a longer one is a copy. */
const longestQuote = 10_000
const maxPassages = 10

/**
 * Checks that a quotation is in its file at the cited line, ignoring white space.
 * @throws ValidationError if file, line or quote is missing
 * @example
 * const verdict = await verifyCitation(index, { file: 'docs/tea.md', line: 3, quote: 'Green tea is not fermented.' })
 * if (!verdict.ok) console.log(verdict.message)
 */
export async function verifyCitation(source: CitationSource, citation: Citation): Promise<CitationVerdict> {
  checkFunction('extraction of the source of verifyCitation', fieldOf(source, 'extraction'))
  const { file, line, endLine, quote } = objectOf('The citation', citation as never) as unknown as Citation
  checkText('verifyCitation.file', file)
  checkText('verifyCitation.quote', quote)
  for (const number of [line, endLine ?? line])
    if (!Number.isFinite(number))
      throw failure('validation.failed', {
        what: 'A line of verifyCitation',
        problem: `it is ${show(number)} and no number`,
      })
  const words = quote.trim().split(/\s+/)
  if (quote.trim() === '') return fault('unusable quote', `The citation of ${file}:${line} quotes nothing.`)
  if (quote.length > longestQuote)
    return fault('unusable quote', `The quotation from ${file}:${line} is longer than 10,000 characters.`)
  const extraction = await source.extraction(file)
  if (!extraction) return fault('wrong file', `${file} is not among the documents, or cannot be read.`)
  const locations = locationsOf(words, extraction)
  if (locations.length === 0) return fault('wrong quote', `“${short(quote)}” does not stand in ${file}.`)
  const location = locations.find((one) => one.line === line && (endLine === undefined || one.endLine === endLine))
  if (location) return { ok: true, ...location }
  const foundAt = [...new Set(locations.map((one) => one.line))].slice(0, maxPassages)
  const cited = endLine === undefined ? `line ${line}` : `lines ${line} to ${endLine}`
  const there = locations
    .slice(0, maxPassages)
    .map((one) => (one.endLine === one.line ? `${one.line}` : `${one.line}–${one.endLine}`))
  return fault('wrong line', `“${short(quote)}” is in ${file} at ${there.join(', ')}, not at ${cited}.`, foundAt)
}

function fault(
  kind: Extract<CitationVerdict, { ok: false }>['fault'],
  message: string,
  foundAt: number[] = [],
): CitationVerdict {
  return { ok: false, fault: kind, message, foundAt }
}

/** What stands at the beginning of a line of a comment or a quotation; between two words of a quotation it may be left out. */
const mark = /^(?:\/\*+|\*+\/?|\/\/+|>|#{1,6})$/
/** Comparisons of words. The search ends there, because quotation and text may be made to agree almost everywhere. */
const maxComparisons = 1_000_000

/**
 * Finds the words one after the other. A mark is left out only if it is not the word that comes next: an expression that tries
 * both ways takes twice the time for each mark.
 */
function locationsOf(words: readonly string[], { text, lineAt }: Extraction): { line: number; endLine: number }[] {
  const [first = ''] = words
  const locations: { line: number; endLine: number }[] = []
  const add = (begin: number, end: number) => locations.push({ line: lineAt(begin), endLine: lineAt(end - 1) })
  if (words.length === 1) {
    for (let at = text.indexOf(first); at >= 0; at = text.indexOf(first, at + 1)) add(at, at + first.length)
    return locations
  }
  const inText = [...text.matchAll(/\S+/g)].map(({ 0: word, index }) => ({ word, at: index, isMark: mark.test(word) }))
  let comparisons = 0
  for (const [i, { word, at }] of inText.entries()) {
    if (!word.endsWith(first)) continue
    let next = i + 1
    const isFound = words.slice(1).every((wanted, n) => {
      // The last word of a quotation may be the beginning of a word.
      const fits = (found: string) => (n === words.length - 2 ? found.startsWith(wanted) : found === wanted)
      for (; next < inText.length && ++comparisons <= maxComparisons; next++) {
        const { word: found, isMark } = inText[next] as (typeof inText)[number]
        if (fits(found)) return ++next > 0
        if (!isMark) return false
      }
      return false
    })
    if (isFound)
      add(at + word.length - first.length, (inText[next - 1] as { at: number }).at + (words.at(-1) as string).length)
    if (comparisons > maxComparisons) break
  }
  return locations
}

function short(quote: string): string {
  const line = quote.trim().replace(/\s+/g, ' ')
  return line.length > 80 ? `${truncateText(line, 79)}…` : line
}
