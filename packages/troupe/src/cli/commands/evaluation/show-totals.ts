/** The sums and means of an experiment, as a table for a person. */
import type { ClientSchemas } from '../../../client/index.ts'
import type { Output } from '../../output/output.ts'
import { oneLine } from '../../output/safe.ts'

type Experiment = ClientSchemas['Experiment']
type SideTotal = ClientSchemas['SideTotal']

export const rounded = (value: number): string => String(Math.round(value * 1e4) / 1e4)

interface Line {
  readonly name: string
  readonly of: (side: SideTotal) => number | undefined
  readonly difference: number | undefined
}

export function showTotals(out: Output, experiment: Experiment): void {
  const { id, dataset, candidate, against, total } = experiment
  out.print(
    oneLine(`Experiment ${id}: ${dataset.cases} cases of ${dataset.name}, version ${dataset.version.slice(0, 12)}`),
  )
  const other = total.against
  out.table(
    linesOf(experiment),
    [
      { name: '', of: ({ name }) => name },
      { name: candidate.name, of: (line) => cell(line.of(total.candidate)) },
      ...(other && against ? [{ name: against.name, of: (line: Line) => cell(line.of(other)) }] : []),
      ...(other ? [{ name: 'difference', of: (line: Line) => signed(line.difference) }] : []),
    ],
    '',
  )
  const { difference, scoring } = total
  if (difference)
    out.print(
      `${candidate.name} is better in ${difference.better}, worse in ${difference.worse}, and equal in ${difference.same}.`,
    )
  showAgreement(out, candidate.name, total.candidate)
  if (other && against) showAgreement(out, against.name, other)
  if (scoring.tokens > 0) out.print(`Scorers used ${scoring.tokens} tokens for $${rounded(scoring.cost)}.`)
}

function linesOf({ scorers, total: { difference } }: Experiment): readonly Line[] {
  const sums = ['steps', 'tokens', 'cost', 'durationMs'] as const
  const counts = ['scored', 'failed', 'unscored', 'skipped'] as const
  return [
    { name: 'quality', of: ({ quality }) => quality, difference: difference?.quality },
    ...scorers.map((name) => ({
      name: `  ${name}`,
      of: ({ scores }: SideTotal) => scores[name],
      difference: difference?.scores[name],
    })),
    ...counts.map((name) => ({ name, of: (side: SideTotal) => side[name], difference: undefined })),
    ...sums.map((name) => ({ name, of: (side: SideTotal) => side[name], difference: difference?.[name] })),
  ]
}

const cell = (value: number | undefined) => (value === undefined ? '' : rounded(value))
const signed = (value: number | undefined) => (value === undefined ? '' : `${value > 0 ? '+' : ''}${rounded(value)}`)

function showAgreement(out: Output, team: string, { agreement = {} }: SideTotal): void {
  for (const [scorer, { cases, observed, kappa }] of Object.entries(agreement)) {
    const beyondChance = kappa === undefined ? 'kappa is not defined' : `kappa ${rounded(kappa)}`
    out.print(
      oneLine(
        `${scorer} agrees with people on ${team} in ${rounded(observed * 100)}% of ${cases} cases, ${beyondChance}.`,
      ),
    )
  }
}
