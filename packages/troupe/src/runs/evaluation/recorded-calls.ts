/**
 * The calls of tools and effects of a past run: their results answer equal calls by name and arguments, or calls that must not
 * happen twice are rejected.
 */
import {
  failure,
  type Json,
  type Recording,
  restoreError,
  type Traffic,
  type TroupeError,
  type UserId,
} from '../../core/index.ts'
import { inputHash, type RecordedEffect, stepJournal } from '../../journal/index.ts'
import { readModelCalls } from '../../tools/index.ts'
import { happened } from '../engine/forks/reject-repeated.ts'
import type { OrchestraParts } from '../engine/orchestra-parts.ts'
import { readRetainedRecords } from '../engine/store/retained-records.ts'
import type { RunRow } from '../engine/store/run-store.ts'
import { PastRun } from '../history/past-run.ts'

/** A call that the past run had not made. */
export type UnrecordedCall = {
  /** The kind of the call. */
  readonly kind: 'tool' | 'effect'
  /** The name of the tool or effect. */
  readonly name: string
  /** The arguments of the tool, or the input of the effect; null for none. */
  readonly args: Json
}

/** The highest number of child runs of one run. */
const maxChildRuns = 500

/** Returns the recorded calls of a run and its child runs, except model calls. */
export async function recordedCallsOf(
  parts: OrchestraParts,
  user: UserId,
  row: RunRow,
): Promise<readonly RecordedEffect[]> {
  const { events } = PastRun.of(row.run, await readRetainedRecords(parts, user, row))
  const steps = new Set(
    events.flatMap((event) => (event.type === 'step.started' || event.type === 'request.made' ? [event.step] : [])),
  )
  const calls: RecordedEffect[] = []
  for (const step of steps) calls.push(...(await parts.journal.steps.effects(user, stepJournal(row.run, step))))
  for (const child of await parts.stores.store.list(user, { parent: row.run, order: 'oldest' }, maxChildRuns))
    calls.push(...(await recordedCallsOf(parts, user, child)))
  return calls.filter(({ name }) => !name.startsWith('model '))
}

export class RecordedCalls implements Recording {
  /** The calls that are not recorded. */
  readonly missing: UnrecordedCall[] = []
  readonly #answers = new Map<string, RecordedEffect[]>()
  readonly #asked = new Map<string, number>()

  constructor(calls: readonly RecordedEffect[]) {
    for (const call of calls) {
      if (call.state !== 'done' && call.state !== 'failed') continue
      for (const key of recordedKeysOf(call)) this.#answers.set(key, [...(this.#answers.get(key) ?? []), call])
    }
  }

  /** Answers the n-th equal call with the n-th recorded result, and further ones with the last result. */
  async play<Out>({ kind, name, request }: Traffic, ask: () => Promise<Out>): Promise<Out> {
    if (kind !== 'tool' && kind !== 'effect') return ask()
    const { args, keys } = callKeysOf({ kind, name, request })
    const key = keys.find((each) => this.#answers.has(each))
    const recorded = key === undefined ? [] : (this.#answers.get(key) ?? [])
    const nth = this.#asked.get(key ?? '') ?? 0
    const found = recorded[Math.min(nth, recorded.length - 1)]
    if (!found || key === undefined) {
      this.missing.push({ kind, name, args })
      throw failure('evaluation.unrecorded', { kind, name })
    }
    this.#asked.set(key, nth + 1)
    // The recorded failure came after the last retry.
    if (found.error) throw restoreError({ ...found.error, retryable: false })
    // Only tools record what their models used; nothing is paid for a recorded answer.
    return (kind === 'tool' ? readModelCalls(found.output ?? null).output : found.output) as Out
  }

  /** Only models stream their answers. */
  playStream<Part>(_: Traffic, ask: () => Promise<ReadableStream<Part>>): Promise<ReadableStream<Part>> {
    return ask()
  }

  redactSecret(): void {}
}

/** Returns the keys by which a call is found among recorded ones: its kind, its name and the hash of its arguments. */
export function callKeysOf({ kind, name, request }: Traffic): {
  readonly args: Json
  readonly keys: readonly string[]
} {
  const fields = request as { readonly args?: Json; readonly input?: Json }
  const args = (kind === 'tool' ? fields.args : fields.input) ?? null
  const hashes = [inputHash(args, `The input of ${name}`), ...(args === null ? [''] : [])]
  return { args, keys: hashes.map((hash) => `${kind} ${name} ${hash}`) }
}

export const recordedKeysOf = (call: RecordedEffect): readonly string[] =>
  namesOf(call).map((name) => `${name} ${call.hash}`)

/** Tool calls are recorded with their position in the turn, effects with the key of their caller. */
function namesOf({ name, key }: RecordedEffect): readonly string[] {
  const tool = /^(.+) \d+\.\d+$/s.exec(name)?.[1]
  const isKnown = key !== undefined && name.endsWith(`[${key}]`)
  const plain = isKnown ? name.slice(0, -key.length - 2) : /^(.*)\[[^[]*\]$/s.exec(name)?.[1]
  return [
    ...(tool === undefined ? [] : [`tool ${tool}`]),
    `effect ${name}`,
    ...(plain === undefined ? [] : [`effect ${plain}`]),
  ]
}

/** A live evaluation carries calls out, but none of class `at-most-once` that the past run had made. */
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
