/**
 * A BM25 index over the passages of many documents. It holds the index and the places of the passages; texts are
 * read back from their files when a passage is found, so that memory is bounded by the index.
 */
import { hash } from 'node:crypto'
import MiniSearch from 'minisearch'
import { type Extraction, extract } from './extract.ts'
import { HtmlTooDeepError } from './extract-html.ts'
import { InputError } from './input-error.ts'
import {
  type DocumentSources,
  type LoadOptions,
  loadDocuments,
  type SkippedFile,
  type SourceDocument,
} from './load-documents.ts'
import { type Passage, splitPassages } from './passages.ts'
import { readText } from './read-text.ts'
import { termsOf } from './terms.ts'

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
const limits = { terms: 64, hits: 50, lines: 400, characters: 64 * 1024 }

interface Entry extends Passage {
  readonly document: SourceDocument
}

interface Indexed {
  readonly id: number
  readonly text: string
  readonly heading: string
  readonly path: string
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
  readonly #index = new MiniSearch<Indexed>({
    fields: ['text', 'heading', 'path'],
    tokenize: termsOf,
    processTerm: (term) => term,
    autoVacuum: false,
    searchOptions: { combineWith: 'OR', boost: { heading: 2 } },
  })

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
      const id = this.#passages.push({ ...passage, heading, document }) - 1
      this.#index.add({ id, text: extraction.text.slice(passage.start, passage.end), heading, path: document.path })
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
    const found = this.#index
      .search(terms.join(' '), { tokenize: (joined) => joined.split(' ') })
      .flatMap(({ id, score }) => {
        const entry = this.#passages[id]
        return entry ? [{ entry, score }] : []
      })
    found.sort((a, b) => b.score - a.score || bySourceOrder(a.entry, b.entry))
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
