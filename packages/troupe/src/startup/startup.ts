/** Opens parts in stages. If a stage fails, the open parts are closed, the newest first, and the error names the stage. */
import { failure, isObject, TroupeError } from '../core/index.ts'

/** Called at the end of a stage, in tests. The error that it throws is the failure of the stage. */
export type StageFault = (stage: string) => unknown

export class Startup {
  readonly #fault: StageFault
  readonly #cleanups: (() => unknown)[] = []

  constructor(fault: StageFault = () => {}) {
    this.#fault = fault
  }

  /**
   * @param release closes the opened part if a later stage fails
   * @throws the error of `open` with `details.stage`; ProcessingError `troupe.unopened` around an error that is not a TroupeError
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

  /** Hands the responsibility for closing the parts to the caller. */
  transferTo(release: () => unknown): void {
    this.#cleanups.splice(0, this.#cleanups.length, release)
  }

  /** Closes all parts. An error of closing is dropped, since the error of the opening is reported. */
  async release(): Promise<void> {
    for (const release of this.#cleanups.splice(0).reverse()) await Promise.try(release).catch(() => {})
  }
}

/** Returns a TroupeError with its stage, and wraps any other error. */
export function staged(code: 'troupe.unopened' | 'troupe.unclosed', error: unknown, stage: string): TroupeError {
  if (!(error instanceof TroupeError)) {
    const problem = error instanceof Error ? error.message : String(error)
    return failure(code, { stage, problem }, { cause: error })
  }
  const { details = {} } = error
  return isObject(details) ? Object.assign(error, { details: { ...details, stage } }) : error
}
