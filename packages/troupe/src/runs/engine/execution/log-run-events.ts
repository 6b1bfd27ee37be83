/** Logs the events of a run whose config asks for a trace. */
import type { Log } from '../../../observability/index.ts'
import type { EventWithPath } from '../events/run-event.ts'

export function logRunEvents(log: Log, run: string, events: readonly EventWithPath[]): void {
  for (const { type, seq, ...rest } of events) {
    const { branch, step, agent } = rest as {
      readonly branch?: string
      readonly step?: string
      readonly agent?: string
    }
    log.info(type, { run, seq, branch, step, agent })
  }
}
