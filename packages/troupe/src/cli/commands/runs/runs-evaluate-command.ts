/** Runs past runs again with something different, and reports each as it is done. */
import type { ClientSchemas, OperationRequest, StreamData } from '../../../client/index.ts'
import { amount, type CliCommand, choice, integerOption, listed, type Options, text } from '../../cli-command.ts'
import { exitCodes, misused } from '../../exit-codes.ts'
import { oneLine } from '../../output/safe.ts'
import { readValue } from '../../read-value.ts'
import { filterOf, runFilterOptions } from './runs-list-command.ts'

type Evaluated = ClientSchemas['EvaluatedRun']
type Evaluation = Exclude<StreamData<'runs.evaluate'>, { readonly done: number }>

const ownFilters = runFilterOptions.filter(([flags]) => !/^--reason/.test(flags))

export const runsEvaluateCommand: CliCommand = {
  name: 'runs evaluate',
  parameters: '[runs...]',
  description: 'Evaluate a change: repeat past runs with it, and compare quality, steps, cost and time',
  options: [
    ['--model <name>', 'The model in place of that of the runs'],
    ['--prompts <json>', 'Instructions in place of those of the runs: { agent: instructions }'],
    ['--with-team <name>', 'The registered team in place of that of the runs'],
    ['--score <score>', 'exact, citations, the name of a scorer in the configuration, or @file with a JSON Schema'],
    ['--id <evaluation>', 'Store finished runs under this id: the same command continues with the others'],
    ['--live', 'Execute tools, in place of answering their calls from the record'],
    ['--repeat', 'With --live: repeat at-most-once effects of the past runs'],
    ['--concurrency <n>', 'The number of runs at once (default: 2)'],
    ['--limit <n>', 'The maximal number of runs (default: 100)'],
    ['--budget <json>', 'The budget of all runs together: { tokens, cost }'],
    ['--fail-under <quality>', 'Exit with 1 if the mean quality is lower, 0 to 1, or if a run was not scored'],
    ...ownFilters,
  ],
  async run({ client, out, signal }, runs, options) {
    const body = await bodyOf(signal, runs, options)
    const lowest = amount(options, 'failUnder')
    if (lowest !== undefined && lowest > 1) throw misused(`--fail-under takes a number from 0 to 1, and got ${lowest}.`)
    for await (const { data } of (await client({ code: true })).stream('runs.evaluate', { body })) {
      if ('done' in data) {
        out.note(`${data.done} of ${data.total}: ${lineOf(data.run)}`)
        continue
      }
      out.show(data, ({ total }) => tableOf(total))
      const { scored, failed, skipped, candidate } = data.total
      if (lowest === undefined) return failed > 0 ? exitCodes.failed : exitCodes.ok
      const isBelow = scored === 0 || candidate.quality < lowest
      if (isBelow)
        out.note(
          `The mean quality ${scored === 0 ? 'is not known' : rounded(candidate.quality)} is not ${lowest} or more.`,
        )
      return isBelow || failed + skipped > 0 ? exitCodes.failed : exitCodes.ok
    }
    throw misused('The evaluation was interrupted.', 'With --id, the same command continues it.')
  },
}

type Body = OperationRequest<'runs.evaluate'>['body']

async function bodyOf(signal: AbortSignal, runs: readonly string[], options: Options): Promise<Body> {
  const { reason: _, ...asked } = filterOf(options)
  const filter = {
    ...asked,
    status: choice<'completed' | 'failed' | 'cancelled'>(options, 'status'),
    tags: listed(options, 'tags'),
  }
  const isFiltered = Object.values(filter).some((value) => value !== undefined)
  if (runs.length > 0 === isFiltered) throw misused('runs evaluate takes ids of runs, or options that find them.')
  const read = async <Value>(name: string) =>
    options[name] === undefined ? undefined : readValue<Value>(String(options[name]), signal)
  return {
    id: text(options, 'id'),
    runs: runs.length > 0 ? runs : filter,
    change: {
      model: text(options, 'model'),
      prompts: await read<Body['change']['prompts']>('prompts'),
      team: text(options, 'withTeam'),
    },
    score: await scoreOf(signal, text(options, 'score') ?? 'exact'),
    ...(options.live === true ? { live: true } : {}),
    ...(options.repeat === true ? { repeat: true } : {}),
    concurrency: options.concurrency === undefined ? undefined : integerOption(options, 'concurrency', 2),
    limit: options.limit === undefined ? undefined : integerOption(options, 'limit', 100),
    budget: await read<Body['budget']>('budget'),
  }
}

async function scoreOf(signal: AbortSignal, text: string): Promise<Body['score']> {
  if (text === 'exact' || text === 'citations') return text
  return text.startsWith('@') || text.startsWith('{')
    ? { schema: await readValue<Readonly<Record<string, unknown>>>(text, signal) }
    : { named: text }
}

function lineOf({ run, status, original, candidate, error }: Evaluated): string {
  const change =
    original && candidate ? `${rounded(original.quality)} -> ${rounded(candidate.quality)}` : (error?.message ?? '')
  return oneLine(`${run} ${status} ${change}`)
}

const rounded = (value: number) => String(Math.round(value * 1e6) / 1e6)

function tableOf({
  scored,
  failed,
  skipped,
  better,
  worse,
  same,
  original,
  candidate,
  spent,
}: Evaluation['total']): string {
  const names = ['quality', 'steps', 'tokens', 'cost', 'durationMs'] as const
  return [
    `${scored} scored: ${better} better, ${worse} worse, ${same} the same; ${failed} failed, ${skipped} skipped.`,
    ...names.map((name) => `${name.padEnd(11)}${rounded(original[name])} -> ${rounded(candidate[name])}`),
    `It used ${spent.tokens} tokens for $${rounded(spent.cost)}.`,
  ].join('\n')
}
