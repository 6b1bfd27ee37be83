/**
 * Determines the labels of a value that a model wrote. A model may use everything that it has read, so its values carry
 * all labels of the step. A value that is an exact copy of a part of an earlier text carries only the labels that the
 * step had when that text arrived, because the call would be the same with the earlier text alone.
 *
 * A copy is a string or number of at least four characters that occurs in a text between white space, quotes, brackets,
 * commas or the ends of sentences. Shorter values, booleans, null and empty values are choices and not copies.
 */
import { isObject, type Json, type TaintLabel } from '../../core/index.ts'
import type { LabelledValue } from '../../security/index.ts'
import type { Handles } from './handles.ts'

const minCharacters = 4
/** Values of one call that are compared with texts; the others carry all labels. */
const maxCompared = 500

interface KnownText {
  readonly source: Json
  readonly labels: readonly TaintLabel[]
  /** All strings in the source, collected at the first use. */
  strings: readonly string[] | undefined
}

export class KnownTexts {
  readonly #texts: KnownText[] = []
  readonly #schemas: unknown[] = []
  readonly #names = new Set<string>()

  /** @param labels of the step at the time; texts come in the order in which the step read them */
  learn(source: Json, labels: readonly TaintLabel[]): void {
    this.#texts.push({ source, labels, strings: undefined })
  }

  /**
   * Learns the names of properties that the schema of a tool has: a model that uses one of them has not written it itself. The
   * schema is searched at the first call of a tool.
   */
  learnNames(schema: unknown): void {
    this.#schemas.push(schema)
  }

  #addNames(schema: unknown): void {
    if (Array.isArray(schema)) for (const each of schema) this.#addNames(each)
    else if (isObject(schema))
      for (const [key, value] of Object.entries(schema)) {
        if (key === 'properties' && isObject(value)) for (const name of Object.keys(value)) this.#names.add(name)
        this.#addNames(value)
      }
  }

  /**
   * @param read the labels of the step when the model wrote the arguments
   * @param handles a value that is a handle carries the labels of the hidden value
   */
  labelsOf(args: Json, read: readonly TaintLabel[], handles?: Handles): readonly LabelledValue[] {
    for (const schema of this.#schemas.splice(0)) this.#addNames(schema)
    const values: LabelledValue[] = []
    let compared = 0
    const labelled = (value: Json): readonly TaintLabel[] =>
      handles?.find(value)?.labels ??
      (read.length === 0 || ++compared > maxCompared ? read : this.#labelsOfCopy(value, read))
    const visit = (value: Json, path: readonly string[]) => {
      const entries = value !== null && typeof value === 'object' ? Object.entries(value) : []
      if (entries.length === 0) values.push({ path, labels: labelled(value) })
      for (const [name, inner] of entries) {
        if (!Array.isArray(value) && !this.#names.has(name)) values.push({ path, labels: labelled(name) })
        visit(inner, [...path, name])
      }
    }
    visit(args, [])
    return values
  }

  #labelsOfCopy(value: Json, read: readonly TaintLabel[]): readonly TaintLabel[] {
    const text = typeof value === 'number' ? String(value) : value
    if (typeof text !== 'string' || text.length < minCharacters) return read
    for (const known of this.#texts) {
      if (known.labels.length >= read.length) continue
      known.strings ??= stringsIn(known.source)
      if (known.strings.some((one) => holdsCopy(one, text))) return known.labels
    }
    return read
  }
}

function stringsIn(value: Json): readonly string[] {
  if (typeof value === 'string') return [value]
  if (typeof value === 'number') return [String(value)]
  return value !== null && typeof value === 'object' ? Object.values(value).flatMap(stringsIn) : []
}

const delimiter = /[\s"'`“”‘’«»()[\]{}<>,;|]/u
const sentenceEnd = /^[.:!?…]+(?:[\s"'`“”‘’«»()[\]{}<>]|$)/u

export function holdsCopy(text: string, copy: string): boolean {
  for (let at = text.indexOf(copy); at >= 0; at = text.indexOf(copy, at + 1)) {
    const before = text[at - 1]
    const after = text.slice(at + copy.length, at + copy.length + 4)
    const begins = before === undefined || delimiter.test(before)
    const ends = after === '' || delimiter.test(after[0] as string) || sentenceEnd.test(after)
    if (begins && ends) return true
  }
  return false
}
