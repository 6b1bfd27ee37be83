/** Evaluates a team on a data set, and compares it with another. */
import { basename } from 'node:path'
import type { ClientSchemas, OperationRequest } from '../../../client/index.ts'
import { TroupeError } from '../../../core/index.ts'
import type { TeamReference } from '../../../runs/index.ts'
import {
  type CliCommand,
  type CommandContext,
  integerOption,
  listed,
  type Options,
  shareOption,
  text,
} from '../../cli-command.ts'
import { type ExitCode, exitCodes, misused } from '../../exit-codes.ts'
import { oneLine } from '../../output/safe.ts'
import { readTextFile, readValue } from '../../read-value.ts'
import { isFile } from '../runs/run-command.ts'
import { rounded, showTotals } from './show-totals.ts'

type Experiment = ClientSchemas['Experiment']
type CaseResult = ClientSchemas['CaseResult']
type Body = OperationRequest<'experiments.evaluate'>['body']
type Scorers = Body['scorers']

export const evaluateCommand: CliCommand = {
  name: 'evaluate',
  parameters: '<dataset>',
  description: 'Run a team on each case of a data set (JSONL), score the answers, and compare it with another team',
  options: [
    ['--team <name>', 'The team: its name, the name of an agent, or the file of a team'],
    ['--agent <name>', 'Evaluate this agent in place of a team'],
    ['--against <name>', 'Another team or agent, which gets the same cases'],
    [
      '--scorer <names...>',
      'exact (default), citations, similarity, similarity:MODEL, a name that the configuration gives, or @file of a JSON Schema',
    ],
    ['--rubric <text>', 'Let a model judge each answer by this text, or by the text of @file'],
    ['--judge <model>', 'The model of --rubric (default: that of the configuration)'],
    ['--id <experiment>', 'The id of the experiment; the id of an interrupted one completes it'],
    ['--tags <names>', 'Only cases that have all of these tags, separated by commas'],
    ['--limit <n>', 'The maximal number of cases, from the first one'],
    ['--budget <json>', 'The budget of each run: { steps, tokens, cost, time }'],
    ['--total-budget <json>', 'The budget of all runs and scorers: { tokens, cost, time }; further cases are skipped'],
    ['--concurrency <n>', 'The number of runs at once (default: 2)'],
    ['--fail-under <quality>', 'Exit with 1 if the mean quality is lower, 0 to 1, or if cases were skipped'],
  ],
  async run(context, [path = ''], options) {
    const lowest = shareOption(options, 'failUnder')
    const body = await bodyOf(context, path, options)
    const team = text(options, 'team')
    const file = team !== undefined && isFile(team) ? { team } : {}
    const teams = teamsOf(body)
    const client = await context.client({ code: true, absent: 'made', asApplication: true, teams, ...file })
    context.signal.addEventListener('abort', () =>
      context.out.note('Interrupted. The same command continues the evaluation.'),
    )
    for await (const { data } of client.stream('experiments.evaluate', { body })) {
      if (!('done' in data)) return showOutcome(context, data, lowest)
      context.out.note(`${data.done} of ${data.total}: ${lineOf(data.result)}`)
    }
    throw misused('The evaluation was interrupted.', 'The same command continues it.')
  },
}

function teamsOf({ team, agent, against }: Body): readonly TeamReference[] {
  return [
    ...(team === undefined ? [] : [{ team }]),
    ...(agent === undefined ? [] : [{ agent }]),
    ...(against?.team === undefined ? [] : [{ team: against.team }]),
  ]
}

async function bodyOf(context: CommandContext, path: string, options: Options): Promise<Body> {
  const { team, agent, against, budget, totalBudget } = { ...options, ...textsOf(options) }
  if ((team === undefined) === (agent === undefined)) throw misused('evaluate takes --team or --agent, one of them.')
  const name = path === '-' ? 'standard input' : basename(path).replace(/\.jsonl$/i, '')
  const { signal } = context
  const jsonl = await readTextFile(path, signal)
  await checkLines(context, name, jsonl)
  return {
    id: text(options, 'id'),
    dataset: { name, jsonl },
    ...(agent === undefined ? {} : { agent }),
    ...(team === undefined || isFile(team) ? {} : { team }),
    ...(against === undefined ? {} : { against: { team: against } }),
    scorers: await scorersOf(signal, options),
    tags: listed(options, 'tags'),
    limit: options.limit === undefined ? undefined : integerOption(options, 'limit', 0),
    ...(budget === undefined ? {} : { config: { budget: await readValue(budget, signal) } }),
    ...(totalBudget === undefined ? {} : { budget: await readValue(totalBudget, signal) }),
    concurrency: options.concurrency === undefined ? undefined : integerOption(options, 'concurrency', 2),
  }
}

const textsOf = (options: Options) => ({
  team: text(options, 'team'),
  agent: text(options, 'agent'),
  against: text(options, 'against'),
  budget: text(options, 'budget'),
  totalBudget: text(options, 'totalBudget'),
})

/** Checks the lines of the data set before a database is created, and prints all problems. */
async function checkLines({ out }: CommandContext, name: string, jsonl: string): Promise<void> {
  const { parseDataset } = await import('../../../runs/index.ts')
  try {
    parseDataset(name, jsonl)
  } catch (error) {
    const { problems = [] } = (error instanceof TroupeError ? (error.details ?? {}) : {}) as {
      readonly problems?: readonly { readonly line: number; readonly problem: string }[]
    }
    if (problems.length > 1) for (const { line, problem } of problems) out.note(oneLine(`line ${line}: ${problem}`))
    throw error
  }
}

async function scorersOf(signal: AbortSignal, options: Options): Promise<Scorers> {
  const named = (options.scorer as readonly string[] | undefined)?.flatMap((one) => one.split(',')).filter(Boolean)
  const rubric = text(options, 'rubric')
  const model = text(options, 'judge')
  if (model !== undefined && rubric === undefined) throw misused('--judge needs --rubric: what a good answer is.')
  const names = named ?? (rubric === undefined ? ['exact'] : [])
  const scorers = Object.fromEntries(await Promise.all(names.map((name) => scorerOf(signal, name))))
  if (rubric === undefined) return scorers
  const words = rubric.startsWith('@') ? await readTextFile(rubric.slice(1), signal) : rubric
  return { ...scorers, judge: { judge: { rubric: words, ...(model === undefined ? {} : { model }) } } }
}

async function scorerOf(signal: AbortSignal, name: string): Promise<readonly [string, Scorers[string]]> {
  if (name === 'exact' || name === 'citations' || name === 'similarity') return [name, name]
  if (name.startsWith('similarity:')) return [name, { similarity: { model: name.slice('similarity:'.length) } }]
  if (name.startsWith('@'))
    return [
      basename(name.slice(1)).replace(/\.json$/i, ''),
      { schema: await readValue<Readonly<Record<string, unknown>>>(name, signal) },
    ]
  return [name, { named: name }]
}

function lineOf({ case: id, side, status, quality, error }: CaseResult): string {
  const outcome = quality === undefined || status === 'failed' ? (error?.message ?? '') : rounded(quality)
  return oneLine(`${id} ${side} ${status} ${outcome}`)
}

function showOutcome({ out }: CommandContext, experiment: Experiment, lowest: number | undefined): ExitCode {
  if (out.json) out.document(experiment)
  else showTotals(out, experiment)
  const { candidate, against } = experiment.total
  const unscored = candidate.unscored + (against?.unscored ?? 0)
  if (unscored > 0) out.note(`${unscored} are unscored. The same command scores them.`)
  const skipped = candidate.skipped + (against?.skipped ?? 0)
  if (skipped > 0) {
    const share = `The mean quality covers ${candidate.scored + candidate.failed} of ${experiment.dataset.cases} cases.`
    out.note(`${skipped} were skipped, since they did not fit into the budget. ${share}`)
    out.note(`Repeat the command with --id ${oneLine(experiment.id)} and a larger --total-budget to execute them.`)
  }
  const isBelow = lowest !== undefined && candidate.quality < lowest
  if (isBelow) out.note(`The mean quality ${rounded(candidate.quality)} is not ${lowest} or more.`)
  return isBelow || unscored > 0 || skipped > 0 ? exitCodes.failed : exitCodes.ok
}
