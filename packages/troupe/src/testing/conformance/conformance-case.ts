/** A case of a conformance suite, which any test runner can register. */
export interface ConformanceCase {
  /** The title of the case. */
  readonly name: string
  /** Executes the case. Rejects if the adapter does not conform. */
  run(): Promise<void>
}
