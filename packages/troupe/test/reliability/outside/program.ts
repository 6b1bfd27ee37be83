/** A program that tries the built library as an application would, and says what is wrong. */

export interface ProgramOptions {
  /** How much: 1 is what a test run can afford, more is for `npm run reliability:outside`. */
  readonly scale: number
  readonly seed: string
  readonly report: (line: string) => void
}

export interface Program {
  readonly name: string
  /** What must hold, as a sentence. */
  readonly promise: string
  /** @returns what is wrong, one line for each problem */
  run(options: ProgramOptions): Promise<readonly string[]>
}
