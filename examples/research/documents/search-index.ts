/**
 * A BM25 index over the passages of many documents. It holds the index and the places of the passages; texts are
 * read back from their files when a passage is found, so that memory is bounded by the index.
 */
import { hash } from 'node:crypto'
import { type Block, blocksOf, type CandidatePassage } from './blocks.ts'
import { confidenceOf, leastConfidence } from './confidence.ts'
import { type Extraction, extract } from './extract.ts'
import { HtmlTooDeepError } from './extract-html.ts'
import { InputError } from './input-error.ts'
import { InvertedIndex, type WeightedTerm } from './inverted-index.ts'
import {
  type DocumentSources,
  type LoadOptions,
  loadDocuments,
  type SkippedFile,
  type SourceDocument,
} from './load-documents.ts'
import { type Passage, splitPassages } from './passages.ts'
import { type Question, readQuestion } from './question.ts'
import { type Quotation, quotationsOf } from './quotations.ts'
import { type RankedUnit, rankUnits } from './rank-units.ts'
import { readText } from './read-text.ts'
import { termsOf } from './terms.ts'
import { plain } from './units.ts'

export interface SearchHit {
  /** Path of the document as it is cited. */
  readonly document: string
  readonly startLine: number
  readonly endLine: number
  /** The headings above the passage, joined by ` › `. */
  readonly heading: string
  /** The passage, verbatim; line n of it stands in line `startLine + n - 1` of the file. */
  readonly text: string
  /** BM25 score: higher fits better; comparable within one search only. */
  readonly score: number
}

export interface ReadLines {
  readonly document: string
  readonly startLine: number
  readonly endLine: number
  /** The number of lines of the whole document. */
  readonly lines: number
  readonly text: string
}

/** The most terms of a query that count, passages that a search gives, and lines that a reading gives. */
const limits = { terms: 64, hits: 50, lines: 400, characters: 64 * 1024, candidates: 60, sectionBlocks: 50 }

interface Entry extends Passage {
  readonly document: SourceDocument
}

/** A quotation and where it stands. */
export interface FoundCitation {
  readonly file: string
  readonly line: number
  readonly endLine: number
  /** The headings above it, and the header of its table. */
  readonly heading: string
  /** Verbatim; code and tables keep their lines, prose is one line. */
  readonly quote: string
}

export interface Answer {
  /** Whether the first quotation is likely to answer; else they are near misses. */
  readonly found: boolean
  readonly citations: readonly FoundCitation[]
}

export interface Ranking {
  readonly question: Question
  readonly units: readonly RankedUnit[]
  readonly quotations: readonly Quotation[]
  readonly confidence: number
  /** Whether the best quotation is likely to answer; else the quotations are near misses. */
  readonly found: boolean
}

interface FoundPassage {
  readonly entry: Entry
  readonly score: number
}

/**
 * @example
 * const index = await SearchIndex.open({ folders: ['docs'] })
 * const hits = await index.search('how are retries bounded?', { limit: 5 })
 */
export class SearchIndex {
  readonly #documents = new Map<string, SourceDocument>()
  readonly #fingerprints = new Map<string, string>()
  readonly #skipped: SkippedFile[] = []
  readonly #passages: Entry[] = []
  readonly #index = new InvertedIndex()
  #last: Promise<unknown> = Promise.resolve()

  /**
   * Reads all documents and indexes them, one at a time.
   * @throws InputError where a folder is missing, unreadable or without one readable document
   */
  static async open(sources: DocumentSources, options: LoadOptions = {}): Promise<SearchIndex> {
    const index = new SearchIndex()
    for await (const loaded of loadDocuments(sources, options)) {
      if ('skipped' in loaded) index.#skipped.push(loaded.skipped)
      else index.#add(loaded.document, loaded.text)
    }
    if (index.#documents.size === 0) throw new InputError('None of the documents can be read.')
    return index
  }

  /** The documents that are indexed, in the order in which they were read. */
  get documents(): readonly SourceDocument[] {
    return [...this.#documents.values()]
  }

  /** The files that are not indexed, each with its reason. */
  get skipped(): readonly SkippedFile[] {
    return this.#skipped
  }

  get passageCount(): number {
    return this.#passages.length
  }

  #add(document: SourceDocument, source: string): void {
    const extraction = extracted(source, document.kind)
    if (!extraction) {
      this.#skipped.push({ path: document.path, reason: new HtmlTooDeepError().message })
      return
    }
    this.#fingerprints.set(document.path, fingerprintOf(source))
    this.#documents.set(document.path, document)
    const headings = new Map<string, string>()
    for (const passage of splitPassages(extraction)) {
      // A copy of its own: a slice of the source would keep the whole source in memory.
      const heading = headings.get(passage.heading) ?? Buffer.from(passage.heading).toString()
      headings.set(heading, heading)
      this.#passages.push({ ...passage, heading, document })
      this.#index.add(countsOf(extraction.text.slice(passage.start, passage.end), heading, document.path))
    }
  }

  /**
   * The passages that fit a query best; equal ones in the order of path and line. A passage whose file has changed or
   * gone since it was indexed is left out.
   * @param query words or a question; the first 64 different terms count
   * @param options `limit`: the most passages given, 10 by default and 50 at most
   */
  async search(query: string, options: { readonly limit?: number } = {}): Promise<SearchHit[]> {
    const limit = Math.min(Math.max(Math.trunc(options.limit ?? 10), 1), limits.hits)
    const terms = [...new Set(termsOf(query))].slice(0, limits.terms)
    const weighted = terms.map((term) => ({ term, weight: 1 }))
    const found = this.#found(weighted, limits.hits * 4)
    const texts = new Map<string, Extraction | undefined>()
    const hits: SearchHit[] = []
    for (const { entry, score } of found) {
      if (hits.length === limit) break
      const { document, start, end, startLine, endLine, heading } = entry
      if (!texts.has(document.path)) texts.set(document.path, await this.#unchanged(document))
      const text = texts.get(document.path)?.text.slice(start, end)
      if (text !== undefined) hits.push({ document: document.path, startLine, endLine, heading, text, score })
    }
    return hits
  }

  /**
   * The units of the documents that answer a question, best first, and what was asked.
   * @param text the question
   * @param context the question that it is a part of: its words count a little
   */
  rank(text: string, context = ''): Promise<Ranking> {
    // One after the other: questions that are ranked at once would each hold their documents in memory.
    const ranking = this.#last.then(() => this.#rank(text, context))
    this.#last = ranking.catch(() => {})
    return ranking
  }

  async #rank(text: string, context: string): Promise<Ranking> {
    const question = readQuestion(
      text,
      { passages: this.#passages.length, frequency: (term) => this.#index.frequency(term) },
      context,
    )
    const terms = question.concepts.flatMap(({ forms }) =>
      forms.flatMap(({ terms, weight }) =>
        terms.map((term): WeightedTerm => ({ term, weight: weight / terms.length })),
      ),
    )
    const found = this.#found(terms, limits.candidates)
    const passages = await this.#candidates(found)
    const units = rankUnits(question, passages)
    const quotations = quotationsOf(units, passages)
    const confidence = quotations[0] ? confidenceOf(question, quotations[0]) : 0
    return { question, units, quotations, confidence, found: confidence >= leastConfidence }
  }

  /**
   * Answers a question with quotations, best first. Where nothing is likely to answer, `found` is false and the
   * quotations are near misses. The same documents give the same answer.
   * @param text the question
   * @param options `partOf`: the question that this one is a part of; `limit`: the most quotations, 4 by default
   * @example
   * const { found, citations } = await index.answer('How many retries are made?')
   */
  async answer(text: string, options: { readonly partOf?: string; readonly limit?: number } = {}): Promise<Answer> {
    const { found, quotations } = await this.rank(text, options.partOf === text ? '' : options.partOf)
    const citations: FoundCitation[] = []
    for (const quotation of quotations.slice(0, options.limit ?? 4)) {
      const extraction = await this.extraction(quotation.document)
      if (extraction) citations.push(citationOf(quotation, extraction))
    }
    return { found, citations }
  }

  /** The headings above a line of a document, outermost first, joined by ` › `; undefined for an unknown document. */
  async headingAt(path: string, line: number): Promise<string | undefined> {
    const extraction = await this.extraction(path)
    if (!extraction) return undefined
    const end = extraction.offsetOf(line + 1)
    return headingPath(extraction.headings.filter(({ offset }) => offset < end))
  }

  /** The blocks of the sections in which passages were found, by document. */
  async #candidates(found: readonly FoundPassage[]): Promise<CandidatePassage[]> {
    const best = found[0]?.score ?? 1
    const candidates: CandidatePassage[] = []
    for (const [document, entries] of Map.groupBy(found, ({ entry }) => entry.document)) {
      const extraction = await this.#unchanged(document)
      if (!extraction) continue
      const sections = new Map<number, Block[]>()
      for (const block of blocksOf({ ...extraction, kind: document.kind })) {
        const known = sections.get(block.section.start)
        if (known) known.push(block)
        else sections.set(block.section.start, [block])
      }
      const claimed = new Set<Block>()
      for (const { entry, score } of entries.toSorted((a, b) => b.score - a.score)) {
        const blocks: Block[] = []
        for (const section of sections.values()) {
          const inside = section.filter(({ start, end }) => start < entry.end && end > entry.start)
          if (inside.length === 0) continue
          for (const block of section.length <= limits.sectionBlocks ? section : inside)
            if (!claimed.has(block)) {
              claimed.add(block)
              blocks.push(block)
            }
        }
        candidates.push({ document: document.path, text: extraction.text, blocks, score: score / best })
      }
    }
    return candidates
  }

  #found(terms: readonly WeightedTerm[], limit: number): FoundPassage[] {
    const found = this.#index.search(terms, limit).flatMap(({ id, score }) => {
      const entry = this.#passages[id]
      return entry ? [{ entry, score }] : []
    })
    return found.sort((a, b) => b.score - a.score || bySourceOrder(a.entry, b.entry))
  }

  /**
   * Some lines of a document, as the file holds them now; undefined for a path that is not indexed or a file that
   * cannot be read any more. At most 400 lines and 64 KB are given: go on at `endLine + 1`.
   * @param path path as it is cited
   * @param range first and last line, from 1; the whole document by default
   */
  async read(
    path: string,
    range: { readonly from?: number; readonly to?: number } = {},
  ): Promise<ReadLines | undefined> {
    const extraction = await this.extraction(path)
    if (!extraction) return undefined
    const from = Math.min(Math.max(Math.trunc(range.from ?? 1), 1), extraction.lines)
    const last = Math.max(
      from,
      Math.min(Math.trunc(range.to ?? extraction.lines), from + limits.lines - 1, extraction.lines),
    )
    const start = extraction.offsetOf(from)
    const end = Math.min(extraction.offsetOf(last + 1), start + limits.characters)
    const text = extraction.text.slice(start, end)
    const endLine = text === '' ? from : extraction.lineAt(end - 1)
    return { document: path, startLine: from, endLine, lines: extraction.lines, text }
  }

  /** The text of a document, read anew from its file; undefined where there is none. Made for checking citations. */
  async extraction(path: string): Promise<Extraction | undefined> {
    const document = this.#documents.get(path)
    if (!document) return undefined
    const read = await readText(document.file)
    return read.ok ? extracted(read.text, document.kind) : undefined
  }

  async #unchanged(document: SourceDocument): Promise<Extraction | undefined> {
    const read = await readText(document.file)
    if (!read.ok || fingerprintOf(read.text) !== this.#fingerprints.get(document.path)) return undefined
    return extracted(read.text, document.kind)
  }
}

function citationOf({ document, text, start, end, unit }: Quotation, extraction: Extraction): FoundCitation {
  const { block } = unit.unit
  // The marks that open a comment or a quotation may stand in lines of their own.
  const marks =
    block.kind === 'code' ? 0 : (/^(?:\s|\/\*+|\*+(?=\s)|\/\/+|>)*/.exec(text.slice(start, end))?.[0].length ?? 0)
  const verbatim = text.slice(start + marks, end)
  const listed = block.kind !== 'comment' && /\n\s*(?:[-*+]|\d{1,3}[.)])\s/.test(verbatim)
  const structured =
    block.kind === 'code' || block.kind === 'row' || listed || /^\s*(?:>\s?)*(?:```|~~~|\|)/m.test(verbatim)
  const table = block.kind === 'row' && block.lead !== '' ? [block.lead.replace(/^\s*\||\|\s*$/g, '').trim()] : []
  return {
    file: document,
    line: extraction.lineAt(start + marks),
    endLine: extraction.lineAt(end - 1),
    heading: [...block.section.above, block.section.heading, ...table].filter((one) => one !== '').join(' › '),
    quote: structured ? verbatim.trim() : plain(verbatim),
  }
}

function headingPath(headings: readonly { readonly level: number; readonly text: string }[]): string {
  const path: { level: number; text: string }[] = []
  for (const { level, text } of headings) {
    while ((path.at(-1)?.level ?? 0) >= level) path.pop()
    path.push({ level, text })
  }
  return path.map(({ text }) => text).join(' › ')
}

/** A heading counts twice, the path once, the name of the file three times. */
function countsOf(text: string, heading: string, path: string): Map<string, number> {
  const counts = new Map<string, number>()
  const add = (part: string, weight: number) => {
    for (const term of termsOf(part)) counts.set(term, (counts.get(term) ?? 0) + weight)
  }
  add(text, 1)
  add(heading, 2)
  add(path, 1)
  add(path.split('/').at(-1) ?? '', 2)
  return counts
}

function extracted(source: string, kind: SourceDocument['kind']): Extraction | undefined {
  try {
    return extract(source, kind)
  } catch (error) {
    if (error instanceof HtmlTooDeepError) return undefined
    throw error
  }
}

function fingerprintOf(source: string): string {
  return hash('sha256', source, 'base64')
}

function bySourceOrder(a: Entry, b: Entry): number {
  if (a.document.path !== b.document.path) return a.document.path < b.document.path ? -1 : 1
  return a.start - b.start
}
