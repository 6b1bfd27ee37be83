/** Where no person watches a terminal: one line per event, as it happens. */
import type { Watcher } from '../run-project.ts'
import { describeEvent } from './describe-event.ts'

export function printLines(write: (line: string) => void): Omit<Watcher, 'reported'> {
  let began = 0
  let since = 0
  return {
    report: write,
    begins(run, project, resumed) {
      since = Date.now()
      write(`${resumed ? 'resuming' : 'starting'} run ${run}: ${project.question}`)
    },
    event(event) {
      began ||= event.at
      // What happened before this process took the run over was told by the one before.
      const line = event.at < since - 1_000 ? undefined : describeEvent(event)
      if (line !== undefined) write(`${((event.at - began) / 1000).toFixed(2).padStart(7)} s  ${line}`)
    },
    ends() {},
  }
}
