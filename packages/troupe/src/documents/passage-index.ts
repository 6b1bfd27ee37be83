/**
 * The passages of many documents, indexed by their terms. The index and the positions of the passages are in memory. A text
 * is read from its file when one of its passages is found.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { LRUCache } from 'lru-cache'
import { finishNow, systemClock, TimeSlice, type WorkInParts } from '../core/index.ts'
import { type DocumentRecord, packRecord, recordOf, unpackRecord } from './document-record.ts'
import { type IndexRecord, readIndexFile, timeAt, writeIndexFile } from './index-file.ts'
import type { Block } from './ranking/block.ts'
import { blocksOf } from './ranking/blocks.ts'
import { InvertedIndex, type WeightedTerm } from './ranking/inverted-index.ts'
import type { Vocabulary } from './ranking/terms/related-forms.ts'
import { unitsOf } from './ranking/units.ts'
import {
  type DocumentKind,
  documentKind,
  type ExtractedText,
  type Extraction,
  extractInParts,
  extractionOf,
} from './reading/extract.ts'
import { HtmlTooDeepError } from './reading/extract-html.ts'
import { type DocumentSources, type Found, loadDocuments, type SkippedFile } from './reading/load-documents.ts'
import { type Conversions, type ReadText, readText } from './reading/read-text.ts'
import type { Passage } from './reading/split-passages.ts'
import { type DocumentEmbeddings, type EmbeddedText, packVectors, unpackVectors, VectorIndex } from './vector-index.ts'

/** An indexed document. */
export interface IndexedDocument {
  /** The path, as it is cited. */
  readonly path: string
  /** The absolute path of the file. */
  readonly file: string
  /** The path from the named folder, with the name of that folder; of a named file its name. Its words count. */
  readonly name: string
  /** The kind, by the extension of the file. */
  readonly kind: DocumentKind
  /** The length of its text in bytes. */
  readonly bytes: number
  /** The SHA-256 of the file in base64. */
  readonly hash: string
}

/** The options of `DocumentIndex.open`. */
export interface IndexOptions {
  /**
   * The folder to which cited paths are relative; the working directory by default. Files outside it are cited by their
   * absolute path.
   */
  readonly base?: string
  /** Ends the call with its reason. */
  readonly signal?: AbortSignal
  /**
   * The path of a file that stores the index. Use another one for other folders or another `base`. Not stored by
   * default.
   */
  readonly store?: string
  /**
   * The embedding model with which meaning is compared too. The vectors of the documents are computed when the index is
   * opened, and stored with it. None by default.
   */
  readonly embedding?: DocumentEmbeddings
  /**
   * The cosine, from -1 to 1, at which a quotation counts as found although its words do not match; 0.6 by default. It
   * depends on the model: measure it with questions that the documents do not answer.
   */
  readonly minSimilarity?: number
}

export interface PassageEntry extends Passage {
  readonly document: IndexedDocument
}

export interface FoundPassage {
  readonly entry: PassageEntry
  readonly score: number
}

export class PassageIndex {
  readonly documents = new Map<string, IndexedDocument>()
  readonly skipped: SkippedFile[] = []
  readonly passages: PassageEntry[] = []
  readonly vectors = new VectorIndex()
  readonly #index = new InvertedIndex()
  readonly #abbreviations = new Map<string, readonly string[]>()
  readonly #conversions = new Map<string, Uint8Array>()
  /** The extractions of large HTML pages by the hash of the file, compressed: parsing one again takes longer than a search. */
  readonly #pages = new LRUCache<string, Uint8Array>({ maxSize: maxPageBytes, sizeCalculation: ({ length }) => length })
  #store: string | undefined
  #lastEmbedding: Promise<unknown> = Promise.resolve()
  filesRead = 0

  /** Adds the documents of some folders. @throws ValidationError as `DocumentIndex.open` */
  async load(sources: DocumentSources, { base, signal, store }: IndexOptions): Promise<void> {
    this.#store = store
    const now = store === undefined ? 0 : await timeAt(store)
    const stored = store === undefined ? new Map<string, IndexRecord>() : await readIndexFile(store)
    const isKnown = ({ file, path, name, version }: Found) => {
      const known = stored.get(file)?.entry
      const isSamePath = known?.path === path && known.name === name
      return isSamePath && version?.every((part, i) => part === known.version?.[i]) === true
    }
    const records: IndexRecord[] = []
    let unchanged = 0
    const loaded = loadDocuments(sources, {
      conversions: this.#converted,
      isKnown,
      ...(base === undefined ? {} : { base }),
      ...(signal ? { signal } : {}),
    })
    for await (const one of loaded) {
      if ('skipped' in one) {
        this.skipped.push(one.skipped)
        continue
      }
      const { found, read } = one
      const known = stored.get(found.file)
      if (!read && known) {
        this.#restore(found, known)
        this.#restoreVectors(found, known)
        records.push(known)
        unchanged += 1
        continue
      }
      if (!read) continue
      this.filesRead += 1
      const record = await this.#describe(found, read)
      // A file this young may change once more within the resolution of its times.
      const isOld = found.version !== undefined && Math.max(found.version[1], found.version[2]) < now - 1_000
      const isSame = record !== undefined && known !== undefined && known.entry.hash === record.entry.hash
      if (isSame) this.#restoreVectors(found, known)
      if (store !== undefined && record)
        records.push({
          ...(isSame && known.vectors ? { vectors: known.vectors } : {}),
          content: record.content,
          entry: {
            ...record.entry,
            ...(isSame && known.entry.vectorModel !== undefined ? { vectorModel: known.entry.vectorModel } : {}),
            ...(isOld ? { version: found.version } : {}),
          },
        })
    }
    if (store !== undefined && (unchanged < records.length || unchanged < stored.size))
      await writeIndexFile(store, records)
  }

  /**
   * Creates and stores the missing vectors of documents that have not changed since they were indexed. Vectors that were
   * created before a failure remain.
   * @throws ExternalServiceError `embedding.wrong`, ValidationError `documents.unstorable`, errors of the model unchanged
   */
  embedMissing(embeddings: DocumentEmbeddings, signal?: AbortSignal): Promise<void> {
    // One after the other, so that no unit is embedded twice.
    const embedding = this.#lastEmbedding.then(() => this.#embedMissing(embeddings, signal))
    this.#lastEmbedding = embedding.catch(() => {})
    return embedding
  }

  async #embedMissing(embeddings: DocumentEmbeddings, signal?: AbortSignal): Promise<void> {
    let batch = new Map<string, readonly EmbeddedText[]>()
    let size = 0
    let isChanged = false
    const flush = async () => {
      try {
        await this.vectors.embed(batch, embeddings, signal)
      } finally {
        isChanged ||= [...batch.keys()].some((path) => this.vectors.get(path, embeddings.model))
      }
      batch = new Map()
      size = 0
    }
    try {
      for (const document of this.documents.values()) {
        if (this.vectors.get(document.path, embeddings.model)) continue
        const extraction = await this.unchanged(document)
        if (!extraction) continue
        const units = embeddedTexts(extraction, document.kind)
        batch.set(document.path, units)
        size += units.length
        if (size >= flushSize) await flush()
      }
      if (batch.size > 0) await flush()
    } finally {
      if (isChanged && this.#store !== undefined) await this.#storeVectors(this.#store, embeddings.model)
    }
  }

  /**
   * Stores the vectors in the index file. Another process may have replaced the file, so only documents with the same content
   * in it get their vectors.
   */
  async #storeVectors(store: string, model: string): Promise<void> {
    const documents = new Map([...this.documents.values()].map((one) => [one.file, one]))
    const records = [...(await readIndexFile(store)).values()].map((record): IndexRecord => {
      const { vectorModel: _, ...entry } = record.entry
      const document = documents.get(entry.file)
      const made = document && document.hash === entry.hash ? this.vectors.get(document.path, model) : undefined
      if (!made) return { entry, content: record.content }
      return { entry: { ...entry, vectorModel: model }, content: record.content, vectors: packVectors(made) }
    })
    await writeIndexFile(store, records)
  }

  #restoreVectors({ path }: Pick<Found, 'path'>, { entry, vectors }: Pick<IndexRecord, 'entry' | 'vectors'>): void {
    if (vectors && entry.vectorModel !== undefined) this.vectors.set(path, unpackVectors(entry.vectorModel, vectors))
  }

  /** The words of the documents. */
  get vocabulary(): Vocabulary {
    return {
      passages: this.passages.length,
      frequency: (term) => this.#index.frequency(term),
      around: (term) => this.#index.around(term),
      abbreviations: this.#abbreviations,
    }
  }

  /** Returns the passages that fit some terms best, the best first; equal ones in the order of path and line. */
  search(terms: readonly WeightedTerm[], limit: number): FoundPassage[] {
    const found = this.#index.search(terms, limit).flatMap(({ id, score }) => {
      const entry = this.passages[id]
      return entry ? [{ entry, score }] : []
    })
    return found.sort((a, b) => b.score - a.score || bySourceOrder(a.entry, b.entry))
  }

  /** Reads the current text of a document for checking citations; undefined if there is none. */
  async extraction(path: string): Promise<Extraction | undefined> {
    const document = this.documents.get(path)
    if (!document) return undefined
    const read = await readText(document.file, this.#converted)
    return read.ok ? this.#extracted(read, document.kind) : undefined
  }

  /** Returns the text of a document; undefined if its file has changed since it was indexed. */
  async unchanged(document: IndexedDocument): Promise<Extraction | undefined> {
    const read = await readText(document.file, this.#converted)
    if (!read.ok || read.hash !== document.hash) return undefined
    return this.#extracted(read, document.kind)
  }

  /** Returns the text of a document and its blocks; undefined if its file has changed since it was indexed. */
  async blocks(
    document: IndexedDocument,
  ): Promise<{ readonly extraction: Extraction; readonly blocks: readonly Block[] } | undefined> {
    const extraction = await this.unchanged(document)
    return extraction && { extraction, blocks: await inSlices(blocksOf({ ...extraction, kind: document.kind })) }
  }

  /** Indexes the text of a file, and returns its stored record; undefined if it was not read for a temporary reason. */
  async #describe({ path, file, name }: Found, read: ReadText): Promise<IndexRecord | undefined> {
    const extraction = read.ok ? await this.#extracted(read, documentKind(path)) : undefined
    if (!read.ok || !extraction) {
      const { reason, permanent } = read.ok ? { reason: new HtmlTooDeepError().message, permanent: true } : read
      this.skipped.push({ path, reason })
      return permanent ? { entry: { file, path, name, skipped: reason }, content: new Uint8Array() } : undefined
    }
    const { hash, text, converted } = read
    const record = await inSlices(recordOf(name, extraction, converted ? text : undefined))
    this.#add({ path, file, name, kind: documentKind(path), bytes: record.bytes, hash }, record)
    return { entry: { file, path, name, hash }, content: packRecord(record) }
  }

  #restore({ path, file, name }: Found, { entry, content }: IndexRecord): void {
    if (entry.skipped !== undefined || entry.hash === undefined) {
      this.skipped.push({ path, reason: entry.skipped ?? 'unreadable' })
      return
    }
    const record = unpackRecord(content)
    if (record.text !== undefined) this.#converted.set(entry.hash, record.text)
    this.#add({ path, file, name, kind: documentKind(path), bytes: record.bytes, hash: entry.hash }, record)
  }

  #add(document: IndexedDocument, { terms, passages, abbreviations }: DocumentRecord): void {
    this.documents.set(document.path, document)
    // The first document that explains an abbreviation counts.
    for (const [short, long] of abbreviations)
      if (!this.#abbreviations.has(short) && this.#abbreviations.size < maxAbbreviations)
        this.#abbreviations.set(short, long)
    const headings = new Map<string, string>()
    for (const { counts: _, heading: named, ...passage } of passages) {
      // A copy, because a slice of the source would keep the whole source in memory.
      const heading = headings.get(named) ?? Buffer.from(named).toString()
      headings.set(heading, heading)
      this.passages.push({ ...passage, heading, document })
    }
    this.#index.add(
      terms,
      passages.map(({ counts }) => counts),
    )
  }

  /** Returns the extraction of a text; undefined for HTML that is nested too deeply. */
  async #extracted(
    { text, hash }: Extract<ReadText, { readonly ok: true }>,
    kind: DocumentKind,
  ): Promise<Extraction | undefined> {
    const known = kind === 'html' ? this.#pages.get(hash) : undefined
    if (known) return extractionOf(JSON.parse(inflateRawSync(known).toString('utf8')) as ExtractedText)
    try {
      const extraction = await inSlices(extractInParts(text, kind))
      if (kind === 'html' && text.length > smallPage) {
        const { text, headings } = extraction
        const packed = new Uint8Array(deflateRawSync(JSON.stringify({ text, headings }), { level: 1 }))
        this.#pages.set(hash, packed)
      }
      return extraction
    } catch (error) {
      if (error instanceof HtmlTooDeepError) return undefined
      throw error
    }
  }

  /** Compressed, because all of them are held: the texts of documents whose format is slow to read. */
  readonly #converted: Conversions = {
    get: (hash) => {
      const known = this.#conversions.get(hash)
      return known && inflateRawSync(known).toString('utf8')
    },
    set: (hash, text) => void this.#conversions.set(hash, new Uint8Array(deflateRawSync(text))),
  }
}

const inSlices = <Result>(work: WorkInParts<Result>) => new TimeSlice(systemClock).finish(work)

const maxAbbreviations = 10_000
/** A smaller HTML page, in characters, is parsed again. */
const smallPage = 50_000
/** The most compressed bytes of extractions. */
const maxPageBytes = 32 * 1024 * 1024

/** The lowest number of units that are embedded at a time, unless fewer are missing. */
const flushSize = 100

/** Returns the units of a document, each with its headings and the header of its table, which a model needs as context. */
function embeddedTexts(extraction: Extraction, kind: DocumentKind): EmbeddedText[] {
  return finishNow(blocksOf({ ...extraction, kind })).flatMap((block) => {
    const { above, heading } = block.section
    const context = [...above, heading, block.kind === 'row' ? block.lead : ''].filter((one) => one !== '').join(' › ')
    return unitsOf(block, extraction.text).map(({ start, end, text }) => ({
      start,
      end,
      text: context === '' ? text : `${context}\n${text}`,
    }))
  })
}

function bySourceOrder(a: PassageEntry, b: PassageEntry): number {
  if (a.document.path !== b.document.path) return a.document.path < b.document.path ? -1 : 1
  return a.start - b.start
}
