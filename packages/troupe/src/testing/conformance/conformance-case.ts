/** A case of a conformance suite: any test runner can register it. */
export interface ConformanceCase {
  readonly name: string
  /** Rejects when the port's promise is broken. */
  run(): Promise<void>
}
