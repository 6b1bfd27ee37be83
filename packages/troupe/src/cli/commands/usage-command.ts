/** `troupe usage`: tokens and cost by user, team or model. */
import { type CliCommand, choice, listLimit, text } from '../cli-command.ts'

const dollars = (usd: number) => `$${usd.toFixed(usd > 0 && usd < 0.01 ? 6 : 2)}`

export const usageCommand: CliCommand = {
  name: 'usage',
  description: 'Show runs, tokens and cost by user, team or model, the most expensive first',
  options: [
    ['--by <group>', 'user, team or model (default: team)'],
    ['--from <time>', 'The earliest start of a run, in ISO 8601 (default: 30 days before --to)'],
    ['--to <time>', 'The end of the range, exclusive, in ISO 8601 (default: now)'],
    ['--limit <number>', 'The maximal number of groups, 1 to 1000 (default: 100)'],
    ['--all-users', 'The usage of all users'],
  ],
  async run({ client, out }, _, options) {
    const by = choice<'user' | 'team' | 'model'>(options, 'by') ?? 'team'
    const [from, to] = [text(options, 'from'), text(options, 'to')]
    const { items } = await (await client()).call('usage.groups', {
      query: {
        by,
        limit: listLimit(options, 100),
        ...(from === undefined ? {} : { from }),
        ...(to === undefined ? {} : { to }),
        ...(options.allUsers === true ? { allUsers: 'true' as const } : {}),
      },
    })
    out.table(
      items,
      [
        { name: by.toUpperCase(), of: ({ name }) => name ?? (by === 'team' ? 'no team' : 'unknown') },
        { name: 'RUNS', of: ({ runs }) => String(runs) },
        { name: 'TOKENS IN', of: ({ inputTokens }) => String(inputTokens) },
        { name: 'TOKENS OUT', of: ({ outputTokens }) => String(outputTokens) },
        { name: 'TOKENS', of: ({ tokens }) => String(tokens) },
        { name: 'COST', of: ({ cost, unpriced }) => costText(cost, unpriced) },
      ],
      'No run used a model in this time.',
    )
  },
}

/** Zero dollars would be wrong for models whose price is unknown. */
function costText(cost: number, unpriced: number): string {
  if (unpriced === 0) return dollars(cost)
  return cost > 0 ? `${dollars(cost)}, prices of some models unknown` : 'price unknown'
}
