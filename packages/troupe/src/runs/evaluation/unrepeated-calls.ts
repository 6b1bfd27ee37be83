/** A live evaluation carries calls out, but none of class `at-most-once` that the past run had made. */
import { failure, type Recording, type Traffic, type TroupeError } from '../../core/index.ts'
import type { RecordedEffect } from '../../journal/index.ts'
import { happened } from '../engine/forks/reject-repeated.ts'
import { callKeysOf, recordedKeysOf } from './recorded-calls.ts'

export class UnrepeatedCalls implements Recording {
  /** Why the run that is evaluated fails, whatever its agents make of the rejected call. */
  repeated: TroupeError | undefined
  readonly #run: string
  readonly #once: ReadonlySet<string>
  readonly #next: Recording | undefined

  /** @param next the recording of the troupe, which answers the other calls */
  constructor(run: string, calls: readonly RecordedEffect[], next: Recording | undefined) {
    this.#run = run
    this.#next = next
    const once = calls.filter((call) => call.class === 'at-most-once' && happened.has(call.state))
    this.#once = new Set(once.flatMap(recordedKeysOf))
  }

  async play<Out>(traffic: Traffic, ask: () => Promise<Out>): Promise<Out> {
    const { kind, name } = traffic
    const isCall = kind === 'tool' || kind === 'effect'
    if (isCall && callKeysOf(traffic).keys.some((key) => this.#once.has(key))) {
      this.repeated = failure('effect.repeated', { run: this.#run, names: name, effects: [{ run: this.#run, name }] })
      throw this.repeated
    }
    return this.#next ? this.#next.play(traffic, ask) : ask()
  }

  playStream<Part>(traffic: Traffic, ask: () => Promise<ReadableStream<Part>>): Promise<ReadableStream<Part>> {
    return this.#next ? this.#next.playStream(traffic, ask) : ask()
  }

  redactSecret(value: string): void {
    this.#next?.redactSecret(value)
  }
}
