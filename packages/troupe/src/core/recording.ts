/**
 * Traffic with the world, recorded once and played again: a port, so that models and tools need not know who keeps it.
 */

export interface Traffic {
  readonly kind: 'model' | 'embedding' | 'tool' | 'effect'
  /** `provider/model`, or the name of the tool or effect. */
  readonly name: string
  /** Everything that the answer depends on. */
  readonly request: unknown
  /** Who asks gave up: what comes of it is not kept. */
  readonly signal?: AbortSignal | undefined
}

export interface Recording {
  /**
   * Answers from the record, failures included, or asks and records.
   * @throws NotFoundError `cassette.miss`, naming the nearest difference
   */
  play<Out>(traffic: Traffic, ask: () => Promise<Out>): Promise<Out>
  /** The same for what comes in pieces. */
  playStream<Part>(traffic: Traffic, ask: () => Promise<ReadableStream<Part>>): Promise<ReadableStream<Part>>
  /** A value that is never recorded, wherever it stands. */
  redactSecret(value: string): void
}
