/** What a check found wrong, and where. */
export interface Finding {
  readonly path: string
  readonly line: number
  /** Short and stable, as `arrow`. */
  readonly rule: string
  /** What is wrong and what to do. */
  readonly message: string
}
