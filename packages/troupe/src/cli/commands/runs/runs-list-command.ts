/** Finds runs. */
import type { ClientSchemas } from '../../../client/index.ts'
import { type CliCommand, listLimit, type Options, pagingOptions, text } from '../../cli-command.ts'

type Summary = ClientSchemas['RunSummary']

export const runFilterOptions = [
  ['--status <status>', 'running, waiting, completed, failed or cancelled'],
  ['--reason <reason>', 'why they wait: question, paused, breakpoint, uncertain or code.changed'],
  ['--team <name>', 'of this registered team, or of this agent alone'],
  ['--of <agent>', 'in which this agent takes part'],
  ['--search <words>', 'with all these words in task, tags, answer or error'],
  ['--tags <names>', 'with all of these, with commas between'],
  ['--parent <run>', 'that steps of this run started'],
  ['--from <time>', 'started then or later, as ISO text'],
  ['--to <time>', 'started before'],
  ['--min-cost <usd>', 'that cost so much at least'],
  ['--max-cost <usd>', 'that cost so much at most'],
  ['--order <order>', 'newest or oldest first'],
] as const

/** As a query of the route; what is wrong with it the server says. */
export const filterOf = (options: Options): Readonly<Record<string, string | undefined>> => ({
  agent: text(options, 'of'),
  ...Object.fromEntries(
    ['status', 'reason', 'team', 'search', 'tags', 'parent', 'from', 'to', 'minCost', 'maxCost', 'order'].map(
      (name) => [name, text(options, name)],
    ),
  ),
})

export const runsListCommand: CliCommand = {
  name: 'runs list',
  description: 'those that fit all that is named, the newest first',
  options: [...runFilterOptions, ...pagingOptions(20)],
  async run({ api, out }, _, options) {
    const found: Summary[] = []
    const asked = { path: '/v1/runs', query: filterOf(options) }
    for await (const one of (await api()).pages<Summary>(asked, listLimit(options, 20))) found.push(one)
    out.table(
      found,
      [
        { name: 'RUN', of: ({ id }) => id },
        { name: 'STATUS', of: ({ status, reason }) => (reason ? `${status} (${reason})` : status) },
        { name: 'AGE', of: ({ createdAt }) => ageOf(Date.now() - Date.parse(createdAt)) },
        { name: 'TEAM', of: ({ team, agents }) => inShort(team ?? agents.join(', '), 24) },
        { name: 'TOKENS', of: ({ usage }) => (usage ? String(usage.inputTokens + usage.outputTokens) : '') },
        { name: 'COST', of: ({ cost }) => costText(cost) },
        { name: 'TASK', of: ({ title }) => title },
      ],
      'There are no runs.',
    )
    return undefined
  },
}

const inShort = (text: string, max: number) => (text.length > max ? `${text.slice(0, max - 1)}…` : text)

/** Largest unit alone: `3d`, `5h`, `12m`, `40s`. */
function ageOf(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000))
  const units = [
    ['d', 86_400],
    ['h', 3_600],
    ['m', 60],
  ] as const
  const [unit, size] = units.find(([, length]) => seconds >= length) ?? ['s', 1]
  return `${Math.floor(seconds / size)}${unit}`
}

/** A plus sign: of at least one model nobody knows the price. */
const costText = (cost: Summary['cost']) => (cost ? `$${cost.usd.toFixed(4)}${cost.unknown.length > 0 ? '+' : ''}` : '')
