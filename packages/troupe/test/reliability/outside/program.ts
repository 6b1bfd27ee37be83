/** A program that tries the built library as an application would, and says what is wrong. */

export interface ProgramOptions {
  /** How much: 1 is what a test run can afford, more is for `npm run reliability:outside`. */
  readonly scale: number
  readonly seed: string
  readonly report: (line: string) => void
}

/** What is wrong, one line for each problem, or why the program was not run. */
export type ProgramResult = readonly string[] | { readonly skipped: string }

export interface Program {
  readonly name: string
  /** What must hold, as a sentence. */
  readonly promise: string
  run(options: ProgramOptions): Promise<ProgramResult>
}
