/** How a program of the list of findings is repeated: by rows of the corpus, by named tests, by code of its own, or by several. */
import type { TroupeConfig } from '../../../src/index.ts'

/** The arguments of code of its own: databases, and a place for its findings. */
export interface TrialContext {
  /** Gives the place of another database at each call. */
  readonly storage: () => TroupeConfig['storage']
  readonly storageName: string
  /** Notes one attempt of the attack; a program without attempts counts as an error. */
  readonly check: (what: string, holds: boolean, detail?: unknown) => void
}
export type Trial = (context: TrialContext) => Promise<void>

export interface NamedTests {
  /** From `packages/troupe`. */
  readonly file: string
  /** The beginnings of the titles; every test of the file without them. */
  readonly titles?: readonly string[]
}

export interface Program {
  readonly number: string
  /** The findings that it shows; none where the attacks never succeeded. */
  readonly findings: readonly string[]
  readonly name: string
  /** Rows of the corpus, by their ids. */
  readonly rows?: RegExp
  readonly tests?: readonly NamedTests[]
  readonly trial?: Trial
}
