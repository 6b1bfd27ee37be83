/** Opens an exported run: replays and explains it without the database of the run. */
import { timingSafeEqual } from 'node:crypto'
import {
  checkConstruct,
  checkOptions,
  checkSignalType,
  checkText,
  construct,
  failure,
  invalidInput,
  isObject,
  isPlainObject,
  withoutByteOrderMark,
} from '../../core/index.ts'
import type { NumberedEvent } from '../engine/events/run-event.ts'
import { type RunResult, revive } from '../engine/run-result.ts'
import type { RunRecord } from '../engine/store/run-record.ts'
import type { ReplayResult } from './compare-replay.ts'
import { type Comparison, compareRuns } from './compare-runs.ts'
import { explain, type RunExplanation } from './explain/explain.ts'
import { type ExportedRun, exportDigest } from './export-run.ts'
import { PastRun } from './past-run.ts'
import { type RunStateAt, runStateAt } from './run-state-at.ts'

/** A run that was read from an exported file. */
export class OpenedRun {
  /** The id of the run. */
  readonly id: string
  /** The status of the run at the export. */
  readonly status: string
  /** The tags of the run. */
  readonly tags: readonly string[]
  /** The release that wrote the file. */
  readonly build: string
  /** The result of the run if it had ended or waited at the export; undefined otherwise. */
  readonly result: RunResult | undefined
  readonly #past: PastRun
  readonly #reason: string | null

  private constructor(key: typeof construct, file: ExportedRun) {
    checkConstruct(key, 'OpenedRun', 'openExport')
    this.id = file.run
    this.status = file.status
    this.tags = file.tags
    this.build = file.build
    this.result = file.result === undefined ? undefined : revive(file.run, file.result)
    this.#reason = file.reason ?? null
    this.#past = new PastRun(file.run, file.journal as readonly RunRecord[])
  }

  static [construct](file: ExportedRun): OpenedRun {
    return new OpenedRun(construct, file)
  }

  /**
   * Yields all events, or the events after `from`; `Tracer.follow` accepts the object.
   * @param options.from the `seq` of an event; 0 by default, for all events
   * @param options.signal ends the events
   */
  events(options: { readonly from?: number; readonly signal?: AbortSignal } = {}): AsyncGenerator<NumberedEvent> {
    checkOptions('events', options, ['from', 'signal'])
    const { from = 0, signal } = options
    checkSignalType('events', signal)
    if (!Number.isSafeInteger(from) || from < 0) throw invalidInput('events.from', 'it must be a whole number from 0')
    return this.#events(from, signal)
  }

  async *#events(from: number, signal: AbortSignal | undefined): AsyncGenerator<NumberedEvent> {
    for (const event of this.#past.events.slice(from)) {
      if (signal?.aborted) return
      yield event
    }
  }

  /** Repeats the decisions of the run on its recorded inputs and compares them, as `orchestra.verifyReplay`. */
  verifyReplay(): ReplayResult {
    return this.#past.verifyReplay()
  }

  /** Explains the state of the run at the export, as `orchestra.why`. */
  why(): RunExplanation {
    const last = this.#past.events.at(-1)?.at ?? 0
    return explain(this.#past, { status: this.status, reason: this.#reason }, last)
  }

  /**
   * Returns the state of the run at one of its events, as `orchestra.at`.
   * @throws ValidationError if the run has no event `seq`
   */
  at(seq: number): RunStateAt {
    return runStateAt(this.#past, seq)
  }

  /** Returns the first difference to another opened run, as `orchestra.compare`. */
  compare(other: OpenedRun): Comparison {
    if (!isObject(other) || !(#past in other))
      throw invalidInput('The other run of compare', 'openExport did not return it')
    return compareRuns(this.#past.events, other.#past.events)
  }
}

/**
 * Opens the result of `orchestra.export`, an object or its JSON text, in any installation.
 * @param options.key the key of the export, if it was signed with one
 * @throws ValidationError `export.tampered` if the file was changed or is not an export; ConflictError `export.newer`
 * @example
 * const past = openExport(await readFile('run.json', 'utf8'))
 * console.log(past.verifyReplay().identical, past.why().sentences)
 */
export function openExport(file: ExportedRun | string, options: { readonly key?: string } = {}): OpenedRun {
  checkOptions('openExport', options, ['key'])
  const tampered = (run: string, problem: string) => failure('export.tampered', { run, problem })
  const exported = typeof file === 'string' ? parsed(file) : file
  if (!isPlainObject(exported)) throw tampered('?', 'it is not an export')
  const run = typeof exported.run === 'string' ? exported.run : '?'
  if (options.key !== undefined) checkText('The key of openExport', options.key)
  if (!Array.isArray(exported.journal) || typeof exported.digest !== 'string')
    throw tampered(run, 'it is not an export')
  if (exported.version !== 1) throw failure('export.newer', { run, found: exported.version as number, known: 1 })
  const { digest, ...rest } = exported
  if (!isSame(digest, exportDigest(rest, options.key)))
    throw tampered(
      run,
      options.key === undefined ? 'its digest is that of another' : 'its digest was not made with this key',
    )
  return OpenedRun[construct](exported)
}

function parsed(text: string): ExportedRun {
  try {
    return JSON.parse(withoutByteOrderMark(text)) as ExportedRun
  } catch (cause) {
    throw failure('export.tampered', { run: '?', problem: 'it is not JSON' }, { cause })
  }
}

function isSame(a: string, b: string): boolean {
  const [one, other] = [Buffer.from(a), Buffer.from(b)]
  return one.length === other.length && timingSafeEqual(one, other)
}
