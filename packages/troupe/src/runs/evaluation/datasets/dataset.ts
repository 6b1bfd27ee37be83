/** A data set: the cases on which agents and teams are evaluated, and the version that their content gives. */
import { asJson, hashJson, type Json } from '../../../core/index.ts'

/** A case of a data set. */
export type DatasetCase = {
  /** The id, unique in its data set; the number of its line if the line has none. */
  readonly id: string
  /** The task of the run. */
  readonly input: Json
  /** The answer that a good run gives; absent for none. */
  readonly expected?: Json
  /** The choices of people for an answer to this case, by the name of a scorer; see `Judge.agreement`. */
  readonly labels?: Readonly<Record<string, string | number>>
  /** The tags, by which an experiment selects cases. */
  readonly tags: readonly string[]
}

/** The cases on which agents and teams are evaluated. */
export interface Dataset {
  /** The name, for lists of experiments. */
  readonly name: string
  /** The SHA-256 of the cases in their order. Spaces, blank lines and the order of fields do not change it. */
  readonly version: string
  /** The cases in their order. */
  readonly cases: readonly DatasetCase[]
}

export const createDataset = (name: string, cases: readonly DatasetCase[]): Dataset => ({
  name,
  version: hashJson(asJson(cases)),
  cases,
})
