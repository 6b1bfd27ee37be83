/**
 * Answers questions from folders of documents. It finds passages by their terms, divides them into units that a person would
 * quote, and ranks the units by how well each answers.
 */
import { checkOptions, checkSignalType, checkText, invalidInput, truncateText } from '../core/index.ts'
import { checkEmbeddings, checkQuestion, checkSources, integerOf } from './check-question.ts'
import { citationOf, type FoundCitation } from './citation-of.ts'
import { orError } from './or-error.ts'
import { type FoundPassage, type IndexedDocument, type IndexOptions, PassageIndex } from './passage-index.ts'
import { type Block, type CandidatePassage, detachedBlocks } from './ranking/block.ts'
import { confidenceOf, leastConfidence } from './ranking/confidence.ts'
import { fuseRankings } from './ranking/fuse-rankings.ts'
import type { WeightedTerm } from './ranking/inverted-index.ts'
import { type ParsedQuestion, readQuestion } from './ranking/question.ts'
import { type Quotation, quotationsOf } from './ranking/quotations.ts'
import { type RankedUnit, rankUnits } from './ranking/rank-units.ts'
import { checkReranking, type DocumentReranking, rerankUnits } from './ranking/rerank-units.ts'
import { termsOf } from './ranking/terms/terms.ts'
import { TextPieces } from './ranking/terms/text-pieces.ts'
import type { Extraction } from './reading/extract.ts'
import type { DocumentSources, SkippedFile } from './reading/load-documents.ts'
import { unreadable } from './reading/walk-folder.ts'
import type { DocumentEmbeddings, SimilarUnit } from './vector-index.ts'

/** A passage that a search has found. */
export interface SearchHit {
  /** The path of the document, as it is cited. */
  readonly document: string
  /** The first line of the passage, from 1. */
  readonly startLine: number
  /** The last line of the passage. */
  readonly endLine: number
  /** The headings above the passage, joined by ` › `. */
  readonly heading: string
  /** The text of the passage; its line n is line `startLine + n - 1` of the file. */
  readonly text: string
  /** The BM25 score; a higher one is better. It can be compared within one search only. */
  readonly score: number
}

/** Some lines of a document. */
export interface ReadLines {
  /** The path of the document, as it is cited. */
  readonly document: string
  /** The first line, from 1. */
  readonly startLine: number
  /** The last line that was read. */
  readonly endLine: number
  /** The number of lines of the whole document. */
  readonly lines: number
  /** The text of the lines. */
  readonly text: string
}

/** Bounds of a query, a search, a reading and an answer. The passage with a definition often names its subject only once. */
const limits = {
  terms: 64,
  hits: 50,
  lines: 400,
  characters: 64 * 1024,
  candidates: 60,
  definitions: 120,
  sectionBlocks: 50,
  similar: 50,
}
const defaultMinSimilarity = 0.6
/** A unit that is first in one of the rankings alone scores half of what one scores that is first in both. */
const weakestFused = 0.45

/** The answer to a question: quotations. */
export interface DocumentAnswer {
  /**
   * True if a quotation is likely to answer: by the words that it shares with the question, or by a similarity of at
   * least `minSimilarity`. Otherwise the quotations are near misses.
   */
  readonly found: boolean
  /** The quotations, the best first. */
  readonly citations: readonly FoundCitation[]
  /** The embedding model; absent if there is none. */
  readonly embedding?: {
    /** The name of the model. */
    readonly model: string
    /** The message of its error, if it failed and only words were compared; absent otherwise. */
    readonly error?: string
  }
  /** The reranking model; absent if there is none. */
  readonly reranking?: {
    /** The name of the model. */
    readonly model: string
    /** The message of its error, if it failed and the order of the search stayed; absent otherwise. */
    readonly error?: string
  }
}

/** The options of `DocumentIndex.answer`. */
export interface AnswerOptions {
  /** The question of which this one is a part; its words have a small weight. */
  readonly partOf?: string
  /** The highest number of quotations; 4 by default. */
  readonly limit?: number
  /** The embedding model, if the index was opened without one. Missing vectors are computed first. */
  readonly embedding?: DocumentEmbeddings
  /** The reranking model, which orders the quotations. */
  readonly reranking?: DocumentReranking
  /** Ends the call with its reason. */
  readonly signal?: AbortSignal
}

interface QuestionRanking {
  readonly question: ParsedQuestion
  readonly units: readonly RankedUnit[]
  readonly passages: readonly CandidatePassage[]
  readonly quotations: readonly Quotation[]
  readonly confidence: number
  /** Whether a quotation is likely to answer; else the quotations are near misses. */
  readonly found: boolean
}

/**
 * An index of documents in folders, for searches and for answers with citations.
 * @example
 * const index = await DocumentIndex.open({ folders: ['docs'] })
 * const hits = await index.search('how are retries bounded?', { limit: 5 })
 */
export class DocumentIndex {
  readonly #index = new PassageIndex()
  #embeddings: DocumentEmbeddings | undefined
  #minSimilarity = defaultMinSimilarity
  #last: Promise<unknown> = Promise.resolve()

  /**
   * Reads the documents of some folders and indexes them. With `store`, what is indexed is stored in a file of that path:
   * the next opening reads only what was added or changed since. Processes may share the file. With `embedding`, answers
   * are ranked by words and by meaning; if the model fails, the index opens, and the next answer asks the model.
   * @throws ValidationError `documents.unreadable` where a folder is missing, unreadable or without one readable
   * document; `documents.unstorable` where the index cannot be written; `validation.failed` for an unusable `embedding` or
   * `minSimilarity`
   */
  static async open(sources: DocumentSources, options: IndexOptions = {}): Promise<DocumentIndex> {
    checkSources(sources)
    checkOptions('DocumentIndex.open', options, ['store', 'embedding', 'minSimilarity', 'base', 'signal'])
    const { embedding, minSimilarity = defaultMinSimilarity, signal } = options
    checkSignalType('DocumentIndex.open', signal)
    const index = new DocumentIndex()
    index.#embeddings = checkEmbeddings(embedding)
    if (typeof minSimilarity !== 'number' || !(minSimilarity >= -1 && minSimilarity <= 1))
      throw invalidInput('minSimilarity', 'it must be a number from -1 to 1')
    index.#minSimilarity = minSimilarity
    await index.#index.load(sources, options)
    if (index.#index.documents.size === 0) throw unreadable('None of the documents can be read.')
    if (embedding) await orError(() => index.#index.embedMissing(embedding, signal), signal)
    return index
  }

  /** The indexed documents, in the order in which they were read. */
  get documents(): readonly IndexedDocument[] {
    return [...this.#index.documents.values()]
  }

  /** The files that are not indexed, each with its reason. */
  get skipped(): readonly SkippedFile[] {
    return this.#index.skipped
  }

  /** The number of files that were read to open the index: all, or with `store` those that had changed. */
  get filesRead(): number {
    return this.#index.filesRead
  }

  /** The number of indexed passages. */
  get passageCount(): number {
    return this.#index.passages.length
  }

  /**
   * Returns the passages that fit a query best; passages with equal scores are in the order of path and line. A passage
   * whose file has changed since it was indexed is left out.
   * @param query words or a question; the first 64 different terms count
   * @param options.limit the highest number of passages, 10 by default and at most 50
   */
  async search(query: string, options: { readonly limit?: number } = {}): Promise<SearchHit[]> {
    checkText('DocumentIndex.search', query)
    checkOptions('DocumentIndex.search', options, ['limit'])
    const limit = Math.min(Math.max(integerOf('The limit of a search', options.limit ?? 10), 1), limits.hits)
    const terms = [...new Set(termsOf(query))].slice(0, limits.terms)
    const weighted = terms.map((term) => ({ term, weight: 1 }))
    const found = this.#index.search(weighted, limits.hits * 4)
    const texts = new Map<string, Extraction | undefined>()
    const hits: SearchHit[] = []
    for (const { entry, score } of found) {
      if (hits.length === limit) break
      const { document, start, end, startLine, endLine, heading } = entry
      if (!texts.has(document.path)) texts.set(document.path, await this.#index.unchanged(document))
      const text = texts.get(document.path)?.text.slice(start, end)
      if (text !== undefined) hits.push({ document: document.path, startLine, endLine, heading, text, score })
    }
    return hits
  }

  /**
   * Returns the units of the documents that answer a question, best first, and the parsed question.
   * @param text the question
   * @param context the question that contains it; its words have a small weight
   */
  #ranking(text: string, context: string, similar: readonly SimilarUnit[]): Promise<QuestionRanking> {
    // In sequence, because the documents of a question are in memory while it is ranked.
    const ranking = this.#last.then(() => this.#rank(text, context, similar))
    this.#last = ranking.catch(() => {})
    return ranking
  }

  async #rank(text: string, context: string, similar: readonly SimilarUnit[]): Promise<QuestionRanking> {
    const question = readQuestion(text, this.#index.vocabulary, context)
    const terms = question.concepts.flatMap(({ forms }) =>
      forms.flatMap(({ terms, weight }) =>
        terms.map((term): WeightedTerm => ({ term, weight: weight / terms.length })),
      ),
    )
    const found = this.#index.search(terms, question.asksFor.definition ? limits.definitions : limits.candidates)
    const passages = await this.#candidates([...found, ...this.#passagesOf(similar, found)])
    const units = rankUnits(question, passages)
    const quotations = quotationsOf(question, units, passages)
    const [first] = quotations
    const confidence = first ? confidenceOf(question, first) : 0
    const isFound = confidence >= leastConfidence
    if (similar.length === 0) return { question, units, passages, quotations, confidence, found: isFound }
    const fused = fuseRankings(units, similar)
    const both = quotationsOf(question, fused, passages, weakestFused)
    const isAnswer = ({ document, start, end, unit }: Quotation) =>
      (isFound && document === first?.document && start < first.end && end > first.start) ||
      (unit.similarity ?? -1) >= this.#minSimilarity
    return { question, units: fused, passages, quotations: both, confidence, found: both.some(isAnswer) }
  }

  /** Returns the passages that contain the units, without those that were found by words. */
  #passagesOf(units: readonly SimilarUnit[], found: readonly FoundPassage[]): FoundPassage[] {
    if (units.length === 0) return []
    const known = new Set(found.map(({ entry }) => entry))
    const byDocument = Map.groupBy(units, ({ document }) => document)
    return this.#index.passages.flatMap((entry) => {
      const holds = byDocument
        .get(entry.document.path)
        ?.some(({ start, end }) => start < entry.end && end > entry.start)
      return holds && !known.has(entry) ? [{ entry, score: 0 }] : []
    })
  }

  /** Returns the units most similar to a question by the model; the error of the model if it failed. */
  async #similar(
    text: string,
    embeddings: DocumentEmbeddings | undefined,
    signal?: AbortSignal,
  ): Promise<{ readonly similar: readonly SimilarUnit[]; readonly embedding?: DocumentAnswer['embedding'] }> {
    if (!embeddings) return { similar: [] }
    const { model } = embeddings
    const options = { limit: limits.similar, ...(signal ? { signal } : {}) }
    const result = await orError(async () => {
      await this.#index.embedMissing(embeddings, signal)
      return await this.#index.vectors.similar(text, embeddings, options)
    }, signal)
    if (result instanceof Error) return { similar: [], embedding: { model, error: result.message } }
    return { similar: result, embedding: { model } }
  }

  /**
   * Answers a question with quotations, best first. Where nothing is likely to answer, `found` is false and the
   * quotations are near misses. The same documents give the same answer.
   * @param text the question, of 10,000 characters at most
   * @throws the reason of the signal if it aborts; a failure of the embedding model is in the answer
   * @example
   * const { found, citations } = await index.answer('How many retries are made?')
   */
  async answer(text: string, options: AnswerOptions = {}): Promise<DocumentAnswer> {
    checkQuestion('DocumentIndex.answer', text)
    checkOptions('DocumentIndex.answer', options, ['partOf', 'limit', 'embedding', 'reranking', 'signal'])
    const { partOf = '', limit = 4, signal } = options
    checkQuestion('partOf of DocumentIndex.answer', partOf)
    const maxCitations = Math.max(integerOf('The limit of an answer', limit), 0)
    checkSignalType('DocumentIndex.answer', signal)
    const embeddings = this.#embeddings ?? checkEmbeddings(options.embedding)
    const { similar, embedding } = await this.#similar(text, embeddings, signal)
    const ranking = await this.#ranking(text, partOf === text ? '' : partOf, similar)
    const { quotations, reranking } = await rerankedQuotations(text, ranking, checkReranking(options.reranking), signal)
    const citations: FoundCitation[] = []
    for (const quotation of quotations.slice(0, maxCitations)) {
      const extraction = await this.#index.extraction(quotation.document)
      if (extraction) citations.push(citationOf(quotation, extraction))
    }
    const models = { ...(embedding ? { embedding } : {}), ...(reranking ? { reranking } : {}) }
    return { found: ranking.found, citations, ...models }
  }

  /** Returns the headings above a line of a document, outermost first, joined by ` › `; undefined if it is unknown. */
  async headingAt(path: string, line: number): Promise<string | undefined> {
    checkText('headingAt', path)
    const extraction = await this.#index.extraction(path)
    if (!extraction) return undefined
    const end = extraction.offsetOf(line + 1)
    return headingPath(extraction.headings.filter(({ offset }) => offset < end))
  }

  /** Reads the current text of a document for checking citations; undefined if there is none. */
  async extraction(path: string): Promise<Extraction | undefined> {
    checkText('extraction', path)
    return this.#index.extraction(path)
  }

  /** Returns the blocks of the sections in which passages were found, by document. */
  async #candidates(found: readonly FoundPassage[]): Promise<CandidatePassage[]> {
    const best = found[0]?.score || 1
    const candidates: CandidatePassage[] = []
    for (const [document, entries] of Map.groupBy(found, ({ entry }) => entry.document)) {
      const read = await this.#index.blocks(document)
      if (!read) continue
      const { extraction, blocks } = read
      const sections = Map.groupBy(blocks, ({ section }) => section.start)
      const claimed = new Set<Block>()
      const found = entries
        .toSorted((a, b) => b.score - a.score)
        .map(({ entry, score }) => ({ score: score / best, blocks: claimBlocks(sections, entry, claimed) }))
      const text = new TextPieces(extraction.text, [...claimed])
      const detached = detachedBlocks()
      for (const { score, blocks } of found)
        candidates.push({ document: document.path, name: document.name, text, blocks: blocks.map(detached), score })
    }
    return candidates
  }

  /**
   * Returns some lines of a document, as the file holds them now; undefined for a path that is not indexed or a file that
   * cannot be read any more. Returns at most 400 lines and 65,536 characters; continue at `endLine + 1`. Lines are
   * complete, except that a longer line is cut.
   * @param path the cited path
   * @param range.from the number of the first line; 1 by default
   * @param range.to the number of the last line; by default the last one of the document
   */
  async read(
    path: string,
    range: { readonly from?: number; readonly to?: number } = {},
  ): Promise<ReadLines | undefined> {
    checkText('DocumentIndex.read', path)
    checkOptions('DocumentIndex.read', range, ['from', 'to'])
    const first = integerOf('The first line', range.from ?? 1)
    const to = range.to === undefined ? Number.POSITIVE_INFINITY : integerOf('The last line', range.to)
    const extraction = await this.#index.extraction(path)
    if (!extraction) return undefined
    const from = Math.min(Math.max(first, 1), extraction.lines)
    const last = Math.max(from, Math.min(to, from + limits.lines - 1, extraction.lines))
    const start = extraction.offsetOf(from)
    const end = extraction.offsetOf(last + 1)
    const isTooLong = end - start > limits.characters
    // The line that does not fit is left for the next call, unless it is the first one.
    const after = isTooLong ? Math.max(extraction.lineAt(start + limits.characters), from + 1) : last + 1
    const text = truncateText(extraction.text.slice(start, extraction.offsetOf(after)), limits.characters)
    const endLine = text === '' ? from : extraction.lineAt(start + text.length - 1)
    return { document: path, startLine: from, endLine, lines: extraction.lines, text }
  }
}

/** Returns the blocks of the sections that a passage touches; of a long section only those in the passage. */
function claimBlocks(
  sections: ReadonlyMap<number, readonly Block[]>,
  { start: from, end: to }: { readonly start: number; readonly end: number },
  claimed: Set<Block>,
): Block[] {
  const blocks: Block[] = []
  for (const section of sections.values()) {
    const inside = section.filter(({ start, end }) => start < to && end > from)
    if (inside.length === 0) continue
    for (const block of section.length <= limits.sectionBlocks ? section : inside) {
      if (claimed.has(block)) continue
      claimed.add(block)
      blocks.push(block)
    }
  }
  return blocks
}

/** Returns the quotations in the order of the reranking model; if it fails, in that of the search. */
async function rerankedQuotations(
  text: string,
  { question, units, passages, quotations }: QuestionRanking,
  reranking: DocumentReranking | undefined,
  signal: AbortSignal | undefined,
): Promise<{ readonly quotations: readonly Quotation[]; readonly reranking?: DocumentAnswer['reranking'] }> {
  if (!reranking) return { quotations }
  const { model } = reranking
  const reranked = await orError(() => rerankUnits(text, units, reranking, signal), signal)
  if (reranked instanceof Error) return { quotations, reranking: { model, error: reranked.message } }
  return { quotations: quotationsOf(question, reranked, passages, 0), reranking: { model } }
}

function headingPath(headings: readonly { readonly level: number; readonly text: string }[]): string {
  const path: { level: number; text: string }[] = []
  for (const { level, text } of headings) {
    while ((path.at(-1)?.level ?? 0) >= level) path.pop()
    path.push({ level, text })
  }
  return path.map(({ text }) => text).join(' › ')
}
