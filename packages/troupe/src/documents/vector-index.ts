/**
 * Vectors of the units of documents, of one embedding model at a time. A vector is valid while its file is unchanged and
 * its model has the same name.
 */
import { failure, truncateText } from '../core/index.ts'

/** The embedding model of an index. */
export interface DocumentEmbeddings {
  /** The name of the model, such as `openai/text-embedding-3-small`. Vectors of another name are computed again. */
  readonly model: string
  /**
   * Returns one vector for each text, in the order of the texts. The length of a vector does not matter, only its direction.
   * @param texts at most 100
   * @param options.signal aborts when the caller of the index cancels; absent if the caller passed none
   */
  embed(
    texts: readonly string[],
    options: { readonly signal?: AbortSignal },
  ): Promise<readonly (readonly number[] | Float32Array)[]>
}

/** A unit of a document, which is its `text.slice(start, end)`, and the text that the model reads. */
export interface EmbeddedText {
  readonly start: number
  readonly end: number
  readonly text: string
}

export interface DocumentVectors {
  readonly model: string
  /** Pairs: start and end of each unit in the text of the document. */
  readonly extents: Uint32Array
  /** One vector of length 1 for each unit, one after the other. */
  readonly values: Float32Array
}

export interface SimilarUnit {
  readonly document: string
  readonly start: number
  readonly end: number
  /** Cosine of the angle between question and unit, from -1 to 1. */
  readonly similarity: number
}

const limits = { batch: 100, characters: 8_000, dimensions: 16_384, units: 200_000 }

export class VectorIndex {
  readonly #documents = new Map<string, DocumentVectors>()
  #model: string | undefined
  #dimensions = 0
  #units = 0

  /** The units that have a vector. */
  get size(): number {
    return this.#units
  }

  get(path: string, model: string): DocumentVectors | undefined {
    return this.#model === model ? this.#documents.get(path) : undefined
  }

  /** Adds the vectors of a document. If they are of another model, all earlier vectors are removed. */
  set(path: string, vectors: DocumentVectors): void {
    const count = vectors.extents.length / 2
    if (vectors.model !== this.#model) {
      this.#documents.clear()
      this.#model = vectors.model
      this.#dimensions = 0
      this.#units = 0
    }
    if (count > 0) this.#dimensions = vectors.values.length / count
    this.#units += count - (this.#documents.get(path)?.extents.length ?? 0) / 2
    this.#documents.set(path, vectors)
  }

  /**
   * Creates and adds the vectors of some documents, in batches of 100 texts. Documents that were complete before a failure
   * remain.
   * @throws ExternalServiceError `embedding.wrong` for an unusable vector and for more than 200,000 units; errors of the
   * embedding function unchanged
   */
  async embed(
    documents: ReadonlyMap<string, readonly EmbeddedText[]>,
    embeddings: DocumentEmbeddings,
    signal?: AbortSignal,
  ): Promise<void> {
    const { model } = embeddings
    const texts = [...documents.values()].flat()
    const size = this.#model === model ? this.#units : 0
    if (size + texts.length > limits.units)
      throw failure('embedding.wrong', { model, problem: `the documents have more than ${limits.units} units` })
    const vectors: Float32Array[] = []
    try {
      for (let from = 0; from < texts.length; from += limits.batch) {
        const batch = texts.slice(from, from + limits.batch).map(({ text }) => text)
        for (const vector of await this.#ask(batch, embeddings, signal)) {
          if (vectors[0] && vector.length !== vectors[0].length) throw wrongDimensions(model, vector, vectors[0].length)
          vectors.push(vector)
        }
      }
    } finally {
      this.#addComplete(documents, model, vectors)
    }
  }

  /** Adds the documents, in their order, for all of whose units there are vectors. */
  #addComplete(
    documents: ReadonlyMap<string, readonly EmbeddedText[]>,
    model: string,
    vectors: readonly Float32Array[],
  ): void {
    let from = 0
    for (const [path, units] of documents) {
      if (from + units.length > vectors.length) return
      const values = new Float32Array(units.length * (vectors[0]?.length ?? 0))
      for (const [i, vector] of vectors.slice(from, from + units.length).entries())
        values.set(vector, i * vector.length)
      from += units.length
      this.set(path, { model, extents: Uint32Array.from(units.flatMap(({ start, end }) => [start, end])), values })
    }
  }

  /**
   * Returns the units most similar to a question, best first.
   * @throws as `embed`
   */
  async similar(
    question: string,
    embeddings: DocumentEmbeddings,
    { limit, signal }: { readonly limit: number; readonly signal?: AbortSignal },
  ): Promise<SimilarUnit[]> {
    if (this.#model !== embeddings.model || this.#units === 0) return []
    const [asked = new Float32Array()] = await this.#ask([question], embeddings, signal)
    const found: SimilarUnit[] = []
    for (const [document, { extents, values }] of this.#documents)
      for (let i = 0; i < extents.length / 2; i++) {
        const similarity = product(asked, values, i * asked.length)
        found.push({ document, start: extents[i * 2] ?? 0, end: extents[i * 2 + 1] ?? 0, similarity })
      }
    return found.sort((a, b) => b.similarity - a.similarity || bySource(a, b)).slice(0, limit)
  }

  async #ask(
    texts: readonly string[],
    { model, embed }: DocumentEmbeddings,
    signal?: AbortSignal,
  ): Promise<Float32Array[]> {
    signal?.throwIfAborted()
    const cut = texts.map((text) => truncateText(text, limits.characters))
    const made = await embed(cut, signal ? { signal } : {})
    if (!Array.isArray(made) || made.length !== texts.length)
      throw failure('embedding.wrong', { model, problem: `it must return ${texts.length} vectors` })
    const expected = this.#model === model ? this.#dimensions : 0
    return made.map((numbers) => {
      const vector = ofLengthOne(model, numbers)
      if (expected > 0 && vector.length !== expected) throw wrongDimensions(model, vector, expected)
      return vector
    })
  }
}

function ofLengthOne(model: string, numbers: readonly number[] | Float32Array): Float32Array {
  const isList = Array.isArray(numbers) || numbers instanceof Float32Array
  if (!isList || numbers.length === 0 || numbers.length > limits.dimensions)
    throw failure('embedding.wrong', { model, problem: 'a vector is not a list of 1 to 16,384 numbers' })
  const vector = Float32Array.from(numbers)
  const length = Math.sqrt(product(vector, vector, 0))
  if (!Number.isFinite(length))
    throw failure('embedding.wrong', { model, problem: 'a vector has a value that is not a finite number' })
  return vector.map((number) => number / (length || 1))
}

const wrongDimensions = (model: string, { length }: Float32Array, expected: number) =>
  failure('embedding.wrong', { model, problem: `a vector has ${length} dimensions, earlier ones had ${expected}` })

function product(vector: Float32Array, values: Float32Array, from: number): number {
  let sum = 0
  for (let i = 0; i < vector.length; i++) sum += (vector[i] ?? 0) * (values[from + i] ?? 0)
  return sum
}

const bySource = (a: SimilarUnit, b: SimilarUnit): number =>
  a.document < b.document ? -1 : a.document > b.document ? 1 : a.start - b.start

/** Bytes as they are stored: the number of units, their extents, their vectors. */
export function packVectors({ extents, values }: DocumentVectors): Uint8Array {
  return Buffer.concat([
    new Uint8Array(Uint32Array.of(extents.length).buffer),
    new Uint8Array(extents.slice().buffer),
    new Uint8Array(values.slice().buffer),
  ])
}

export function unpackVectors(model: string, bytes: Uint8Array): DocumentVectors {
  // A copy, because a view would keep the whole file in memory, and its offset may not be a multiple of four.
  const { buffer } = new Uint8Array(bytes)
  const length = new Uint32Array(buffer, 0, 1)[0] ?? 0
  return {
    model,
    extents: new Uint32Array(buffer, 4, length),
    values: new Float32Array(buffer, 4 + length * 4),
  }
}
