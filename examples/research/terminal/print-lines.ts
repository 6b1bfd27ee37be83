/** Where no person watches a terminal: one line per event, as it happens, and one where nothing happens for long. */
import type { Watcher } from '../watcher.ts'
import { describeEvent } from './describe-event.ts'
import { ModelAccount } from './describe-model.ts'

/** After so long without a line, one says that the run is alive. */
const maxQuietMs = 10_000

export function printLines(write: (line: string) => void): Omit<Watcher, 'reported'> {
  const account = new ModelAccount()
  const working = new Map<string, string>()
  let began = 0
  let since = 0
  let alive: NodeJS.Timeout | undefined
  const print = (at: number, line: string | undefined) => {
    if (line === undefined) return
    write(`${((at - began) / 1000).toFixed(2).padStart(7)} s  ${line}`)
    alive?.refresh()
  }
  return {
    report: write,
    begins(run, project, resumed, at) {
      since = at
      write(`${resumed ? 'resuming' : 'starting'} run ${run}: ${project.question}`)
      alive = setInterval(
        () => print(Date.now(), `still waiting for ${[...working.values()].join(', ') || 'the run'}; ${account.sum}`),
        maxQuietMs,
      )
    },
    event(event) {
      began ||= event.at
      if (event.type === 'step.started') working.set(event.step, event.agent)
      if (event.type === 'step.completed' || event.type === 'step.failed') working.delete(event.step)
      if (event.at >= since) print(event.at, describeEvent(event))
    },
    model(event) {
      began ||= event.at
      print(event.at, account.describe(event))
    },
    ends() {
      clearInterval(alive)
    },
  }
}
