/** Commands for the results of evaluations of data sets, and for the online scores over time. */
import { type CliCommand, choice, listLimit, pagingOptions, text } from '../../cli-command.ts'
import { oneLine } from '../../output/safe.ts'
import { ageOf } from '../runs/runs-list-command.ts'
import { rounded, showTotals } from './show-totals.ts'

const listCommand: CliCommand = {
  name: 'experiments list',
  description: 'List experiments, newest first',
  options: pagingOptions(20),
  async run({ client, out }, _, options) {
    const asked = { query: {}, max: listLimit(options, 20) }
    const found = await Array.fromAsync((await client()).pages('experiments.list', asked))
    out.table(
      found,
      [
        { name: 'EXPERIMENT', of: ({ id }) => id },
        { name: 'AGE', of: ({ startedAt }) => ageOf(Date.now() - Date.parse(startedAt)) },
        { name: 'STATUS', of: ({ status }) => status },
        { name: 'DATASET', of: ({ dataset: { name, version } }) => `${name} ${version.slice(0, 8)}` },
        { name: 'CASES', of: ({ dataset }) => String(dataset.cases) },
        { name: 'QUALITY', of: ({ total }) => numberOf(total?.candidate.quality) },
        { name: 'AGAINST', of: ({ total }) => numberOf(total?.against?.quality) },
        { name: 'COST', of: ({ total }) => (total ? `$${total.candidate.cost.toFixed(4)}` : '') },
        {
          name: 'TEAM',
          of: ({ candidate, against }) => (against ? `${candidate.name} / ${against.name}` : candidate.name),
        },
      ],
      'There are no experiments.',
    )
  },
}

const numberOf = (value: number | undefined) => (value === undefined ? '' : rounded(value))

const showCommand: CliCommand = {
  name: 'experiments show',
  parameters: '<experiment>',
  description: 'Show an experiment with its totals, and the cases that scored below 1',
  async run({ client, out }, [experiment = '']) {
    const found = await (await client()).call('experiments.get', { path: { experiment } })
    if (out.json) {
      out.document(found)
      return undefined
    }
    showTotals(out, found)
    const low = found.results.filter(({ quality = 0 }) => quality < 1)
    for (const { case: id, side, run, quality, scores, error } of low) {
      const reasons = Object.entries(scores).flatMap(([name, { reason }]) => (reason ? [`${name}: ${reason}`] : []))
      out.print(oneLine([id, side, run, numberOf(quality), error?.message ?? '', ...reasons].join('  ')))
    }
  },
}

const scoresCommand: CliCommand = {
  name: 'experiments scores',
  description: 'Show the online scores of live runs per day, scorer and team, oldest first',
  options: [
    ['--from <time>', 'The earliest time of a score, in ISO 8601 (default: 30 days before --to)'],
    ['--to <time>', 'The end of the range, exclusive, in ISO 8601 (default: now)'],
    ['--interval <length>', 'hour or day (default: day)'],
  ],
  async run({ client, out }, _, options) {
    const to = text(options, 'to')
    const end = to === undefined ? Date.now() : Date.parse(to)
    const month = Number.isNaN(end) ? undefined : new Date(end - 30 * 86_400_000).toISOString()
    const from = text(options, 'from') ?? month
    const interval = choice<'hour' | 'day'>(options, 'interval') ?? 'day'
    const query = { interval, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }
    const { items } = await (await client()).call('scores.history', { query })
    out.table(
      items,
      [
        { name: 'FROM', of: ({ at }) => (interval === 'day' ? at.slice(0, 10) : at.slice(0, 16)) },
        { name: 'SCORER', of: ({ scorer }) => scorer },
        { name: 'TEAM', of: ({ team }) => team ?? 'no team' },
        { name: 'RUNS', of: ({ runs }) => String(runs) },
        { name: 'MEAN', of: ({ mean }) => rounded(mean) },
        { name: 'LOWEST', of: ({ min }) => rounded(min) },
        { name: 'HIGHEST', of: ({ max }) => rounded(max) },
      ],
      'No live run was scored in this time.',
    )
  },
}

export const experimentCommands: readonly CliCommand[] = [listCommand, showCommand, scoresCommand]
