/** Opens in stages: where one fails, all that stands is let go of, the last first, and the error names the stage. */
import { failure, isObject, TroupeError } from '../core/index.ts'

/** Strikes at the end of a stage, in tests: what it throws is the stage's failure. */
export type StageFault = (stage: string) => unknown

export class Startup {
  readonly #fault: StageFault
  readonly #cleanups: (() => unknown)[] = []

  constructor(fault: StageFault = () => {}) {
    this.#fault = fault
  }

  /**
   * @param release lets go of what was opened, should a later stage fail
   * @throws what `open` throws, with `details.stage`; ProcessingError `troupe.unopened` around what is no error of ours
   */
  async stage<Out>(name: string, open: () => Out | Promise<Out>, release?: (out: Out) => unknown): Promise<Out> {
    try {
      const out = await open()
      if (release) this.#cleanups.push(() => release(out))
      await this.#fault(name)
      return out
    } catch (error) {
      throw staged('troupe.unopened', error, name)
    }
  }

  /** One lets go of all of it from here on. */
  transferTo(release: () => unknown): void {
    this.#cleanups.splice(0, this.#cleanups.length, release)
  }

  /** What fails to end keeps nothing else from ending, and is not told: the failure of the opening is. */
  async release(): Promise<void> {
    for (const release of this.#cleanups.splice(0).reverse()) await Promise.try(release).catch(() => {})
  }
}

/** The same error with its stage, if it is one of ours; else one that says so. */
export function staged(code: 'troupe.unopened' | 'troupe.unclosed', error: unknown, stage: string): TroupeError {
  if (!(error instanceof TroupeError)) {
    const problem = error instanceof Error ? error.message : String(error)
    return failure(code, { stage, problem }, { cause: error })
  }
  const { details = {} } = error
  return isObject(details) ? Object.assign(error, { details: { ...details, stage } }) : error
}
