/** The load test of the guides. */

import { amount, type CliCommand, integerOption, type Options, shareOption } from '../cli-command.ts'
import { CliError, exitCodes } from '../exit-codes.ts'
import { isFile, namedTeam } from './runs/run-command.ts'

export const loadCommand: CliCommand = {
  name: 'load',
  parameters: '<team> [task]',
  description: 'Start many runs at once, and measure how long they take',
  options: [
    ['--concurrent <n>', 'The number of requests at once (default: 20)'],
    ['--total <n>', 'The number of requests in total (default: 200)'],
    ['--success-rate <n>', 'Fail if the share of successful requests is lower, 0 to 1 (default: 0.95)'],
    ['--per-second <n>', 'Fail if fewer requests end per second'],
    ['--average <ms>', 'Fail if the mean latency is higher (default: 2000)'],
    ['--slowest <ms>', 'Fail if the highest latency is higher'],
    ['--p50 <ms>', 'Fail if the median latency is higher'],
    ['--p95 <ms>', 'Fail if this percentile of the latency is higher'],
    ['--p99 <ms>', 'Fail if this percentile of the latency is higher'],
  ],
  async run(context, [team = '', task = 'Test request'], options) {
    const plan = planOf(options)
    const { LoadTester } = await import('../../resilience/index.ts')
    const client = await context.client({ code: true, absent: 'made', ...namedTeam(team) })
    let rejected: unknown
    const start = async (n: number) => {
      const body = { task: `${task} ${n}`, team: isFile(team) ? undefined : team }
      return client.call('runs.start', { body }).catch((error: unknown) => {
        rejected ??= error
        throw error
      })
    }
    let started = 0
    const one = async (n: number) => {
      const { run } = await start(n)
      started++
      const { status } = await client.call('runs.result', { path: { run }, query: { wait: '60s' } })
      if (status !== 'completed') throw new CliError(`The run ${run} is ${status}.`, { exit: exitCodes.failed })
    }
    const report = await new LoadTester(one).run({ ...plan, signal: context.signal })
    // No run was started: the team is unknown, or the caller may not start it.
    if (started === 0 && rejected !== undefined) throw rejected
    if (context.out.json) context.out.document(report)
    else
      context.out.facts(
        Object.fromEntries(
          Object.entries({ ...report, ...report.percentiles, percentiles: undefined }).map(([name, value]) => [
            name,
            typeof value === 'number' ? String(Math.round(value * 1_000) / 1_000) : value,
          ]),
        ),
      )
    return report.passed ? exitCodes.ok : exitCodes.failed
  },
}

/** @throws CliError for a wrong value */
const planOf = (options: Options) => ({
  concurrent: integerOption(options, 'concurrent', 20, 1),
  total: integerOption(options, 'total', 200, 1),
  thresholds: Object.fromEntries(
    Object.entries({
      successRate: shareOption(options, 'successRate') ?? 0.95,
      requestsPerSecond: amount(options, 'perSecond'),
      averageResponseTime: amount(options, 'average') ?? 2_000,
      maxResponseTime: amount(options, 'slowest'),
      p50: amount(options, 'p50'),
      p95: amount(options, 'p95'),
      p99: amount(options, 'p99'),
    }).filter(([, limit]) => limit !== undefined),
  ),
})
