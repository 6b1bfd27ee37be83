/** The stored form of a document in the index: its passages and the weights of their terms. */
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import type { WorkInParts } from '../core/index.ts'
import { abbreviationsIn } from './ranking/terms/related-forms.ts'
import { termsOf } from './ranking/terms/terms.ts'
import type { Extraction } from './reading/extract.ts'
import { type Passage, splitPassages } from './reading/split-passages.ts'

export interface DocumentRecord {
  /** Length of the text in bytes. */
  readonly bytes: number
  readonly terms: readonly string[]
  readonly passages: readonly IndexedPassage[]
  /** The abbreviations that it explains, each with the terms of its full form. */
  readonly abbreviations: readonly (readonly [string, readonly string[]])[]
  /** The text of a document whose format is slow to read. */
  readonly text?: string
}

export interface IndexedPassage extends Passage {
  /** Pairs: the index of a term in `terms`, and how much it counts. */
  readonly counts: readonly number[]
}

/** In parts, because a document of many megabytes takes seconds. */
export function* recordOf(name: string, extraction: Extraction, text?: string): WorkInParts<DocumentRecord> {
  const terms = new Map<string, number>()
  const idOf = (term: string) => {
    const known = terms.get(term)
    if (known !== undefined) return known
    terms.set(term, terms.size)
    return terms.size - 1
  }
  const passages: IndexedPassage[] = []
  for (const passage of splitPassages(extraction)) {
    const counts = countsOf(extraction.text.slice(passage.start, passage.end), passage.heading, name)
    passages.push({ ...passage, counts: [...counts].flatMap(([term, count]) => [idOf(term), count]) })
    yield
  }
  return {
    bytes: Buffer.byteLength(extraction.text),
    terms: [...terms.keys()],
    passages,
    abbreviations: [...abbreviationsIn(extraction.text)],
    ...(text === undefined ? {} : { text }),
  }
}

/** Packs a record. Returns an exact copy, because a buffer of zlib occupies at least 16 KB. */
export const packRecord = (record: DocumentRecord): Uint8Array =>
  new Uint8Array(deflateRawSync(JSON.stringify(record), { level: 1 }))

export const unpackRecord = (content: Uint8Array): DocumentRecord =>
  JSON.parse(inflateRawSync(content).toString('utf8')) as DocumentRecord

/** A heading counts twice, the path once, the name of the file three times. */
function countsOf(text: string, heading: string, name: string): Map<string, number> {
  const counts = new Map<string, number>()
  const add = (part: string, weight: number) => {
    for (const term of termsOf(part)) counts.set(term, (counts.get(term) ?? 0) + weight)
  }
  add(text, 1)
  add(heading, 2)
  add(name, 1)
  add(name.split('/').at(-1) ?? '', 2)
  return counts
}
