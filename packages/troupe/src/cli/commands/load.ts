/** The load test of the guides. */
import { part } from '../api/api.ts'
import { amount, type Command, whole } from '../command.ts'
import { CliError, exitCodes } from '../exit-codes.ts'
import { isFile } from './run.ts'
import type { Status } from './run-result.ts'

export const loadCommand: Command = {
  name: 'load',
  takes: '<team> [task]',
  says: 'many runs at once, and how long they take',
  options: [
    ['--concurrent <n>', 'at once (default: 20)'],
    ['--total <n>', 'in all (default: 200)'],
    ['--success-rate <n>', 'fails below this share, 0 to 1 (default: 0.95)'],
    ['--per-second <n>', 'fails below so many requests each second'],
    ['--average <ms>', 'fails above it (default: 2000)'],
    ['--slowest <ms>', 'fails above it'],
    ['--p50 <ms>', 'fails above it'],
    ['--p95 <ms>', 'fails above it'],
    ['--p99 <ms>', 'fails above it'],
  ],
  async run(hands, [team = '', task = 'Test request'], options) {
    const { LoadTester } = await import('../../runtime/index.ts')
    const api = await hands.api({ code: true, absent: 'made', ...(isFile(team) ? { team } : {}) })
    let refused: unknown
    const start = async (n: number) => {
      const body = { task: `${task} ${n}`, team: isFile(team) ? undefined : team }
      const asked = api.call<{ run: string }>({ method: 'POST', path: '/v1/runs', body })
      return asked.catch((error: unknown) => {
        refused ??= error
        throw error
      })
    }
    let started = 0
    const one = async (n: number) => {
      const { run } = await start(n)
      started++
      const { status } = await api.call<Status>({ path: `/v1/runs/${part(run)}/result`, query: { wait: '60s' } })
      if (status !== 'completed') throw new CliError(`The run ${run} is ${status}.`, { exit: exitCodes.failed })
    }
    const report = await new LoadTester(one).run({
      concurrent: whole(options, 'concurrent', 20),
      total: whole(options, 'total', 200),
      signal: hands.signal,
      thresholds: Object.fromEntries(
        Object.entries({
          successRate: amount(options, 'successRate') ?? 0.95,
          requestsPerSecond: amount(options, 'perSecond'),
          averageResponseTime: amount(options, 'average') ?? 2_000,
          maxResponseTime: amount(options, 'slowest'),
          p50: amount(options, 'p50'),
          p95: amount(options, 'p95'),
          p99: amount(options, 'p99'),
        }).filter(([, limit]) => limit !== undefined),
      ),
    })
    // Nothing ran: there is no such team, or nobody may start it.
    if (started === 0 && refused !== undefined) throw refused
    if (hands.out.json) hands.out.document(report)
    else
      hands.out.facts(
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
