/**
 * Reads the events of a run as its journal grows. While the storage cannot be read the position stays, so no event is lost
 * or repeated.
 */
import type { UserId } from '../../../core/index.ts'
import { type AgentPath, pathOf, pathSetBy } from '../../machine/labels/agent-path.ts'
import { isWaiting } from '../await-run.ts'
import type { OrchestraHost } from '../orchestra-host.ts'
import { noteRunTaint } from '../store/note-run-taint.ts'
import { rejectExpired } from '../store/retained-records.ts'
import { readRecord } from '../store/run-record.ts'
import { rejectAhead } from './reject-ahead.ts'
import type { RunEvent } from './run-event.ts'
import { traceIdOf } from './run-trace.ts'
import { StorageWait } from './storage-wait.ts'

const over = new Set<string>(['run.completed', 'run.failed', 'run.cancelled'])
const pageSize = 200
/** The time in ms for which a stream waits for a failing storage. */
const storageWaitMs = 300_000

interface ReadOptions {
  readonly user: UserId
  readonly run: string
  /** The seq after which the events begin. */
  readonly from: number
  readonly untilWaiting: boolean
  readonly signal: AbortSignal
}

/** Yields the events until the run ends, the signal aborts, or with `untilWaiting` the run waits. */
export async function* readEvents(host: OrchestraHost, options: ReadOptions): AsyncGenerator<RunEvent> {
  const { user, run, from, untilWaiting, signal } = options
  const { log } = host.parts.reporting
  rejectExpired(host.parts, await host.row(user, run))
  if (from > 0) await rejectAhead(host, user, run, from)
  const storage = new StorageWait(host.parts.platform.clock, storageWaitMs, (error) =>
    log.warn('a stream of events waits for the storage', { run, error }),
  )
  const events = new RecordReader(host, options)
  while (!signal.aborted) {
    const arrival = host.nextEvents(user, run, signal)
    try {
      // Read before the records, so that they include the events that led to the wait or the end.
      const row = await host.row(user, run)
      const before = events.record
      yield* events.read()
      if (events.isOver) return
      // A run that failed by a broken invariant ends without an event.
      if (row.endedAt !== null || (untilWaiting && (await isWaiting(host, user, row)))) {
        if (events.record === before) return
        continue
      }
      storage.succeeded()
      await arrival.promise
    } catch (error) {
      await storage.failed(error, signal)
    } finally {
      arrival.stop()
    }
  }
}

/** Reads the records of a run, and yields each event once. */
class RecordReader {
  /** The position of the last record that was read. */
  record = 0
  isOver = false
  readonly #host: OrchestraHost
  readonly #options: ReadOptions
  readonly #paths = new Map<string, AgentPath>()
  #seq: number
  #trace = ''

  constructor(host: OrchestraHost, options: ReadOptions) {
    this.#host = host
    this.#options = options
    this.#seq = options.from
  }

  async *read(): AsyncGenerator<RunEvent> {
    const { user, run } = this.#options
    const at = { run, user }
    let page: Awaited<ReturnType<OrchestraHost['records']>>
    do {
      page = await this.#host.records(user, run, this.record, pageSize)
      if (page.length > 0) await noteRunTaint(this.#host.parts, user, run)
      for (const { seq: position, body } of page) {
        this.record = position
        const { input, events = [], first = 1 } = readRecord(body)
        if (input?.type === 'start') this.#trace = traceIdOf(user, run, input.pinned)
        for (const [i, event] of events.entries()) {
          const set = pathSetBy(this.#paths, event)
          if (set) this.#paths.set(...set)
          this.isOver = over.has(event.type)
          if (first + i > this.#seq) {
            this.#seq = first + i
            yield { ...event, seq: this.#seq, path: pathOf(this.#paths, event), ...at, trace: this.#trace }
          }
          if (this.isOver) return
        }
      }
    } while (page.length === pageSize)
  }
}
