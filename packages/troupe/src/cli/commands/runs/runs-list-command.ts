/** Finds runs. */
import type { ClientSchemas, OperationRequest } from '../../../client/index.ts'
import { amount, type CliCommand, choice, listLimit, type Options, pagingOptions, text } from '../../cli-command.ts'
import { misused } from '../../exit-codes.ts'
import type { Column } from '../../output/output.ts'

type Summary = ClientSchemas['RunSummary']
type Query = NonNullable<OperationRequest<'runs.list'>['query']>
type AllUsersStatus = NonNullable<NonNullable<OperationRequest<'operations.runs'>['query']>['status']>

export const runFilterOptions = [
  ['--status <status>', 'The status: running, waiting, completed, failed or cancelled'],
  ['--reason <reason>', 'Why they wait: question, paused, breakpoint, uncertain or code.changed'],
  ['--team <name>', 'The registered team, or the agent that ran alone'],
  ['--of <agent>', 'An agent that takes part'],
  ['--search <words>', 'All of these words are in the task, tags, answer or error'],
  ['--title <text>', 'These parts of words are in the beginning of the task, or in tags'],
  ['--tags <names>', 'All of these tags, separated by commas'],
  ['--thread <id>', 'The thread that they continue'],
  ['--parent <run>', 'The run whose steps started them'],
  ['--from <time>', 'The earliest start, in ISO 8601'],
  ['--to <time>', 'The end of the range of starts, exclusive, in ISO 8601'],
  ['--min-cost <usd>', 'The minimal cost'],
  ['--max-cost <usd>', 'The maximal cost'],
  ['--order <order>', 'newest, oldest, cost, tokens, duration (highest first) or status (default: newest)'],
] as const

/** Converts the options to a query. The server validates it. */
export const filterOf = (options: Options) => ({
  status: choice<NonNullable<Query['status']>>(options, 'status'),
  reason: choice<NonNullable<Query['reason']>>(options, 'reason'),
  agent: text(options, 'of'),
  team: text(options, 'team'),
  search: text(options, 'search'),
  title: text(options, 'title'),
  tags: text(options, 'tags'),
  threadId: text(options, 'thread'),
  parent: text(options, 'parent'),
  from: text(options, 'from'),
  to: text(options, 'to'),
  minCost: amount(options, 'minCost'),
  maxCost: amount(options, 'maxCost'),
  order: choice<NonNullable<Query['order']>>(options, 'order'),
})

export const runsListCommand: CliCommand = {
  name: 'runs list',
  description: 'List runs that match all filters, newest first',
  options: [
    ...runFilterOptions,
    ['--all-users', 'Runs of all users; with --status open (default), waiting, ended or failed, and no other filter'],
    ...pagingOptions(20),
  ],
  async run({ client, out }, _, options) {
    const max = listLimit(options, 20)
    if (options.allUsers === true) {
      const asked = { query: allUsersQuery(options), max }
      const found = await Array.fromAsync((await client()).pages('operations.runs', asked))
      out.table(found, [{ name: 'USER', of: ({ user }) => user }, ...columns], noRuns)
      return undefined
    }
    const asked = { query: filterOf(options), max }
    const found = await Array.fromAsync((await client()).pages('runs.list', asked))
    out.table(found, columns, noRuns)
  },
}

const noRuns = 'There are no runs.'
const columns: readonly Column<Summary>[] = [
  { name: 'RUN', of: ({ id }) => id },
  { name: 'STATUS', of: ({ status, reason }) => (reason ? `${status} (${reason})` : status) },
  { name: 'AGE', of: ({ createdAt }) => ageOf(Date.now() - Date.parse(createdAt)) },
  { name: 'TEAM', of: ({ team, agents }) => inShort(team ?? agents.join(', '), 24) },
  { name: 'TOKENS', of: ({ usage }) => (usage ? String(usage.inputTokens + usage.outputTokens) : '') },
  { name: 'COST', of: ({ cost }) => costText(cost) },
  { name: 'TASK', of: ({ title }) => title },
]

/** @throws CliError for a filter that lists of one user alone have */
function allUsersQuery(options: Options) {
  const { status, ...others } = filterOf(options)
  if (Object.values(others).some((value) => value !== undefined))
    throw misused('--all-users can be combined with --status, --limit and --all alone.')
  return { status: status as AllUsersStatus | undefined }
}

const inShort = (text: string, max: number) => (text.length > max ? `${text.slice(0, max - 1)}…` : text)

/** Largest unit alone: `3d`, `5h`, `12m`, `40s`. */
export function ageOf(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000))
  const units = [
    ['d', 86_400],
    ['h', 3_600],
    ['m', 60],
  ] as const
  const [unit, size] = units.find(([, length]) => seconds >= length) ?? ['s', 1]
  return `${Math.floor(seconds / size)}${unit}`
}

/** Formats the cost. A plus sign means that the price of at least one model is unknown. */
const costText = (cost: Summary['cost']) => (cost ? `$${cost.usd.toFixed(4)}${cost.unknown.length > 0 ? '+' : ''}` : '')
