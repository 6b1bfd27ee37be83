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

/** Between two words: white space, and at the beginning of a line the marks of a comment or a quotation. */
const gap = '(?:\\s+(?:(?:\\/\\*+|\\*+\\/?|\\/\\/+|>|#{1,6})\\s+)*)'

function locationsOf(words: readonly string[], extraction: Extraction): { line: number; endLine: number }[] {
  const pattern = new RegExp(words.map(literally).join(gap), 'g')
  const locations: { line: number; endLine: number }[] = []
  for (let match = pattern.exec(extraction.text); match; match = pattern.exec(extraction.text)) {
    locations.push({
      line: extraction.lineAt(match.index),
      endLine: extraction.lineAt(match.index + match[0].length - 1),
    })
    // The next place may overlap this one.
    pattern.lastIndex = match.index + 1
  }
  return locations
}

function literally(word: string): string {
  return word.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
}

function short(quote: string): string {
  const line = quote.trim().replace(/\s+/g, ' ')
  return line.length > 80 ? `${truncateText(line, 79)}…` : line
}
