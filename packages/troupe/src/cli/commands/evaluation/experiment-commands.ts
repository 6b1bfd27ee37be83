/** Commands for the results of evaluations of data sets. */
import type { ClientSchemas } from '../../../client/index.ts'
import { type CliCommand, listLimit, pagingOptions } from '../../cli-command.ts'
import { oneLine } from '../../output/safe.ts'
import { ageOf } from '../runs/runs-list-command.ts'
import { rounded, showTotals } from './show-totals.ts'

type Summary = ClientSchemas['ExperimentSummary']

const listCommand: CliCommand = {
  name: 'experiments list',
  description: 'List experiments, newest first',
  options: pagingOptions(20),
  async run({ client, out }, _, options) {
    const found: Summary[] = []
    const asked = { query: {}, max: listLimit(options, 20) }
    for await (const one of (await client()).pages('experiments.list', asked)) found.push(one)
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
    return undefined
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
    return undefined
  },
}

export const experimentCommands: readonly CliCommand[] = [listCommand, showCommand]
