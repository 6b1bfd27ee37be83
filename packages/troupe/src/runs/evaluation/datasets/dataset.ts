/** A data set: the cases on which agents and teams are evaluated, and the version that their content gives. */
import { hashJson, type Json } from '../../../core/index.ts'

export type DatasetCase = {
  /** Unique in its data set; the number of its line where the line gives none. */
  readonly id: string
  /** The task of the run. */
  readonly input: Json
  /** The answer that a good run gives. */
  readonly expected?: Json
  /** What people chose for an answer to this case, by the name of a scorer; see `Judge.agreement`. */
  readonly labels?: Readonly<Record<string, string | number>>
  readonly tags: readonly string[]
}

export interface Dataset {
  readonly name: string
  /** SHA-256 of the cases in their order. Spaces, blank lines and the order of fields do not change it. */
  readonly version: string
  readonly cases: readonly DatasetCase[]
}

export const createDataset = (name: string, cases: readonly DatasetCase[]): Dataset => ({
  name,
  version: hashJson(cases as unknown as Json),
  cases,
})
