/** The port of recorded traffic with services outside: models and tools do not know where it is recorded. */

export interface Traffic {
  readonly kind: 'model' | 'embedding' | 'reranking' | 'tool' | 'effect'
  /** `provider/model`, or the name of the tool or effect. */
  readonly name: string
  /** Everything that the answer depends on. */
  readonly request: unknown
  /** If the signal has aborted, the result is not recorded. */
  readonly signal?: AbortSignal | undefined
}

export interface Recording {
  /**
   * Answers from the record, failures included, or asks and records.
   * @throws NotFoundError `cassette.miss`, naming the nearest difference
   */
  play<Out>(traffic: Traffic, ask: () => Promise<Out>): Promise<Out>
  /** The same for a streamed result. */
  playStream<Part>(traffic: Traffic, ask: () => Promise<ReadableStream<Part>>): Promise<ReadableStream<Part>>
  /** A value that is never recorded, wherever it occurs. */
  redactSecret(value: string): void
}
