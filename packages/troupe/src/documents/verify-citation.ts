/**
 * Checks a citation against its source. The file is read and extracted again, so that the check does not depend on the index,
 * a tool or a model.
 */
import { checkFunction, checkText, fieldOf, invalidInput, objectOf, show, truncateText } from '../core/index.ts'
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

/** The longest quotation that is checked, in characters. */
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
      throw invalidInput('A line of verifyCitation', `it must be a number, got ${show(number)}`)
  if (quote.trim() === '') return fault('unusable quote', `The citation of ${file}:${line} quotes nothing.`)
  if (quote.length > longestQuote)
    return fault('unusable quote', `The quotation from ${file}:${line} is longer than 10,000 characters.`)
  const extraction = await source.extraction(file)
  if (!extraction) return fault('wrong file', `${file} is not among the documents, or cannot be read.`)
  const locations = locationsOf(quote.trim(), line, extraction)
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

/** A mark at the beginning of a line of a comment or a quotation. Between two words, a quotation may omit it. */
const mark = /^(?:\/\*+|\*+\/?|\/\/+|>|#{1,6})$/
/** The number of comparisons of words after which a search ends: a hostile text may agree almost everywhere. */
const maxComparisons = 1_000_000
/** The characters of verbatim repetitions of a quotation, of which each is found by itself. */
const maxCharacters = 50_000_000

/**
 * Finds a quotation verbatim everywhere, and its words one after the other in the cited line, else everywhere. A mark is
 * skipped only if it is not the word that comes next, because an expression that tries both ways takes twice the time for
 * each mark.
 */
function locationsOf(quote: string, cited: number, extraction: Extraction): { line: number; endLine: number }[] {
  const { text, lineAt, offsetOf } = extraction
  const [first = '', ...others] = quote.split(/\s+/)
  const locations: { line: number; endLine: number }[] = []
  const add = (begin: number, end: number) => locations.push({ line: lineAt(begin), endLine: lineAt(end - 1) })
  const verbatim = new Set<number>()
  const maxVerbatim = Math.ceil(maxCharacters / quote.length)
  for (let at = text.indexOf(quote); at >= 0 && verbatim.size < maxVerbatim; at = text.indexOf(quote, at + 1)) {
    verbatim.add(at)
    add(at, at + quote.length)
  }
  if (others.length === 0) return locations
  // Searched word by word: a list of the words of a large file takes many times its size.
  const wordAfter = /\S+/g
  let comparisons = 0
  const search = (from: number, to: number) => {
    for (let at = text.indexOf(first, from); at >= 0 && at < to; at = text.indexOf(first, at + 1)) {
      comparisons += 1
      if (comparisons > maxComparisons) return
      const after = at + first.length
      if (verbatim.has(at) || /\S/.test(text.charAt(after))) continue
      wordAfter.lastIndex = after
      let next = wordAfter.exec(text)
      let lastStart = 0
      const isFound = others.every((wanted, n) => {
        // The last word of a quotation may be the beginning of a word.
        const fits = (found: string) => (n === others.length - 1 ? found.startsWith(wanted) : found === wanted)
        for (; next && ++comparisons <= maxComparisons; next = wordAfter.exec(text)) {
          const [found] = next
          if (fits(found)) {
            lastStart = next.index
            next = wordAfter.exec(text)
            return true
          }
          if (!mark.test(found)) return false
        }
        return false
      })
      if (isFound) add(at, lastStart + (others.at(-1) ?? '').length)
    }
  }
  search(offsetOf(cited), offsetOf(cited + 1))
  if (locations.length === 0) search(0, text.length)
  return locations
}

function short(quote: string): string {
  const line = quote.trim().replace(/\s+/g, ' ')
  return line.length > 80 ? `${truncateText(line, 79)}…` : line
}
