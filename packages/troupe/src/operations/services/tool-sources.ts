/** The open tool sources of a troupe: one instance of each, shared by all agents that use it. */
import { failure } from '../../core/index.ts'
import type { OpenedSource, SourceHost, ToolSource } from '../../tools/index.ts'

export class ToolSources {
  readonly #host: SourceHost
  readonly #opened = new Map<ToolSource, OpenedSource>()
  #closed = false

  constructor(host: SourceHost) {
    this.#host = host
  }

  /** @throws CancelledError `troupe.closed` */
  open(source: ToolSource): OpenedSource {
    if (this.#closed) throw failure('troupe.closed', { what: `Opening ${source.name}` })
    const found = this.#opened.get(source) ?? source.open(this.#host)
    this.#opened.set(source, found)
    return found
  }

  /** The next use opens it again. */
  async end(source: ToolSource): Promise<void> {
    const opened = this.#opened.get(source)
    this.#opened.delete(source)
    await opened?.close()
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#opened.keys()].map((source) => this.end(source)))
  }
}
