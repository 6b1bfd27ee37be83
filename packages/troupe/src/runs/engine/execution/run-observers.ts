/** Reports a durable change of a run to its observers in this process, to the event stream and to the log. */
import type { Log } from '../../../observability/index.ts'
import { totalUsage } from '../../machine/budgets/total-usage.ts'
import type { State } from '../../machine/state.ts'
import type { AnnouncedEvent, EventWithPath } from '../events/run-event.ts'
import { RunTrace } from '../events/run-trace.ts'
import type { OrchestraParts } from '../orchestra-parts.ts'
import type { RunWriterOptions } from './run-writer.ts'

export class RunObservers {
  readonly #parts: Pick<OrchestraParts, 'host' | 'platform' | 'reporting'>
  readonly #run: Pick<RunWriterOptions, 'user' | 'run' | 'pinned'>
  readonly #trace: RunTrace
  readonly #observers = new Set<(events: readonly EventWithPath[]) => void>()

  constructor(
    parts: Pick<OrchestraParts, 'host' | 'platform' | 'reporting'>,
    run: Pick<RunWriterOptions, 'user' | 'run' | 'pinned'>,
  ) {
    this.#parts = parts
    this.#run = run
    this.#trace = new RunTrace(run.user, run.run, run.pinned)
  }

  /** @returns a function that ends the observation */
  observe(observer: (events: readonly EventWithPath[]) => void): () => void {
    this.#observers.add(observer)
    return () => void this.#observers.delete(observer)
  }

  /** The row of the run may have changed without an event. */
  changed(): void {
    for (const observer of this.#observers) observer([])
  }

  notify(events: readonly EventWithPath[]): void {
    if (events.length === 0) return
    for (const observer of this.#observers) observer(events)
    const { run, pinned } = this.#run
    if (pinned.config.trace) logRunEvents(this.#parts.reporting.log, run, events)
  }

  /** Sends an event to the event stream. */
  announce(event: AnnouncedEvent): void {
    const { user, run } = this.#run
    this.#parts.host.announce(user, run, this.#trace, event)
  }

  /** Sends the usage of a run in progress to the event stream, after it was stored. */
  storedUsage(state: State): void {
    const { events, clock } = this.#parts.platform
    const { user: userId, run: runId } = this.#run
    const { inputTokens, outputTokens, cost } = totalUsage(state)
    const trace = this.#trace.id
    events.emit({ type: 'usage.stored', at: clock.now(), userId, runId, trace, inputTokens, outputTokens, cost })
  }
}

/** Logs the events of a run whose config asks for a trace. */
function logRunEvents(log: Log, run: string, events: readonly EventWithPath[]): void {
  for (const { type, seq, ...rest } of events) {
    const { branch, step, agent } = rest as {
      readonly branch?: string
      readonly step?: string
      readonly agent?: string
    }
    log.info(type, { run, seq, branch, step, agent })
  }
}
