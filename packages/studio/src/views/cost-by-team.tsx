/** The cost of each team in the last 24 hours, the costliest first. */
import { Link } from '@tanstack/react-router'
import { priced } from '../format.ts'
import { Nothing } from '../parts/answer.tsx'
import { Section } from '../parts/section.tsx'
import { useUsageHistory } from '../parts/usage-charts.tsx'
import { visible } from '../visible.ts'

const shown = 6

export function CostByTeam() {
  const { data } = useUsageHistory('day')
  if (data === undefined) return null
  const groups = Map.groupBy(data.items, ({ team }) => team ?? '')
  const teams = [...groups]
    .map(([name, items]) => ({
      name,
      cost: items.reduce((sum, { cost }) => sum + cost, 0),
      isPartial: items.some(({ unpriced }) => unpriced > 0),
    }))
    .sort((a, b) => b.cost - a.cost)
  const highest = Math.max(...teams.map(({ cost }) => cost), Number.MIN_VALUE)
  return (
    <Section title="Cost by team" note="24 h" beside={<Link to="/usage">Usage</Link>}>
      {teams.length === 0 ? (
        <Nothing>No run was started. The cost of each team appears here.</Nothing>
      ) : (
        <ul className="plain shares">
          {teams.slice(0, shown).map(({ name, cost, isPartial }) => (
            <li key={name} className="share">
              <span className="break">{name === '' ? 'without a team' : visible(name)}</span>
              <span className="share-bar" aria-hidden="true">
                <span style={{ width: `${(cost / highest) * 100}%` }} />
              </span>
              <span className="figure">{priced(cost, isPartial)}</span>
            </li>
          ))}
        </ul>
      )}
    </Section>
  )
}
