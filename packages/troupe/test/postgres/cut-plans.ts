/** All the ways to break the connections of a recorded trial, and the trials that follow from them. */
import { createTroupe } from '../../src/index.ts'
import { runFaultTrial, type TrialReport } from './cut-trial.ts'
import type { Fault, Message } from './fault-proxy.ts'

export interface Every {
  /** Cut after every n-th message. */
  readonly cut: number
  /** At every n-th end of a transaction: done, and its answer lost, by a cut and by silence. */
  readonly end: number
  /** Silent after every n-th message, the connection alone and all there are. */
  readonly stall: number
}

export interface CutReport {
  readonly tried: number
  /** A trial sends not always the same number of messages: its end may come before the fault. */
  readonly missed: number
  readonly rejectedAtOpen: number
  readonly problems: readonly string[]
}

/** The server says so once a transaction has ended, also one without COMMIT. */
const isEnded = ({ direction, type, text }: Message) => direction === 'in' && type === 'Z' && text === 'I'

function plansOf(messages: readonly Message[], every: Every): readonly Fault[] {
  const after = (n: number, how: Fault['how']): Fault => ({ at: ({ index }) => index === n, when: 'after', how })
  const unanswered = (nth: number, how: Fault['how']): Fault => {
    let count = 0
    return { at: (message) => isEnded(message) && ++count === nth, when: 'before', how }
  }
  const each = (count: number, step: number) =>
    Array.from({ length: Math.floor(count / step) }, (_, i) => 1 + i * step + ((i * 7) % step))
  const ends = messages.filter(isEnded).length
  return [
    ...each(messages.length, every.cut).map((n) => after(n, 'cut')),
    ...each(ends, every.end).map((nth) => unanswered(nth, 'cut')),
    ...each(ends, every.end * 3).map((nth) => unanswered(nth, 'stall')),
    ...each(messages.length, every.stall).map((n) => after(n, 'stall')),
    ...each(messages.length, every.stall * 2).map((n) => after(n, 'stall all')),
  ]
}

/**
 * @param schemas one for each trial of a time: those who share one hear of each other's every change
 * @param from how many trials were done before, by an earlier call that was stopped
 */
export async function runCutTrials(
  server: string,
  schemas: readonly string[],
  every: Every,
  print: (line: string) => void = () => {},
  from = 0,
): Promise<CutReport> {
  const reports: TrialReport[] = []
  let users = 0
  const plans: Fault[] = []
  let total = 0
  const inSchema = async (
    schema: string,
    work: (attempt: (fault?: Fault) => Promise<TrialReport>) => Promise<void>,
  ) => {
    const peer = await createTroupe({ storage: { url: server, schema }, log: 'silent' })
    try {
      await work((fault) =>
        runFaultTrial({ server, schema, peer, user: `u${users++}`, ...(fault === undefined ? {} : { fault }) }),
      )
    } finally {
      await peer.close()
    }
  }
  const [first = '', ...others] = schemas
  const runAllTrials = async (attempt: (fault: Fault) => Promise<TrialReport>) => {
    for (let plan = plans.shift(); plan; plan = plans.shift()) {
      const report = await attempt(plan)
      reports.push(report)
      for (const problem of report.problems) print(problem)
      if (reports.length % 500 === 0) print(`${from + reports.length} of ${total}`)
    }
  }
  await inSchema(first, async (attempt) => {
    const undisturbed = await attempt()
    const all = plansOf(undisturbed.messages, every)
    plans.push(...all.slice(from))
    total = all.length
    print(`${undisturbed.messages.length} messages, ${total} trials`)
    for (const problem of undisturbed.problems) throw new Error(`undisturbed: ${problem}`)
    await Promise.all([runAllTrials(attempt), ...others.map((schema) => inSchema(schema, runAllTrials))])
  })
  return {
    tried: reports.length,
    missed: reports.filter(({ reached }) => !reached).length,
    rejectedAtOpen: reports.reduce((sum, report) => sum + report.rejectedAtOpen, 0),
    problems: reports.flatMap(({ problems }) => problems),
  }
}
