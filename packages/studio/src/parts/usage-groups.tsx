/** Runs, tokens and cost by team, user or model, of the user of the page or of all users. */
import { useNavigate } from '@tanstack/react-router'
import type { AnswerOf } from 'troupe/client'
import { useAnswer } from '../api/use-api.tsx'
import { count, priced } from '../format.ts'
import { usageRoute } from '../routes.ts'
import { visible } from '../visible.ts'
import { Answer } from './answer.tsx'
import { Section } from './section.tsx'
import { Flex, Select, Table, Text } from './ui.tsx'
import { startOf, usageRanges, usageRefreshMs } from './usage-ranges.ts'

type Groups = AnswerOf<'usage.groups'>['items']
type Grouping = 'team' | 'user' | 'model'

const names: { readonly [by in Grouping]: { readonly title: string; readonly missing: string } } = {
  team: { title: 'Team', missing: 'no registered team' },
  user: { title: 'User', missing: 'unknown' },
  model: { title: 'Model', missing: 'unknown model' },
}
const groupings = (Object.keys(names) as Grouping[]).map((value) => ({ value, label: `by ${value}` }))
const userOptions = [
  { value: 'own', label: 'this user' },
  { value: 'all', label: 'all users' },
] as const

export function UsageGroups() {
  const { range = 'day', by = 'team', users } = usageRoute.useSearch()
  const navigate = useNavigate()
  const { data: access } = useAnswer('access.get', {})
  const mayAll = access?.users === 'all' && access.agent === undefined
  const allUsers = mayAll && users === 'all'
  const groups = useAnswer('usage.groups', {
    query: { by, from: new Date(startOf(range)).toISOString(), ...(allUsers ? { allUsers: 'true' } : {}) },
    every: usageRefreshMs,
  })
  const choose = (chosen: { readonly by?: Grouping; readonly users?: 'all' | undefined }) =>
    void navigate({ to: '.', search: (search) => ({ ...search, ...chosen }), replace: true })
  const choices = (
    <Flex gap="2" wrap="wrap">
      <Select label="Group" value={by} onChoose={(chosen) => choose({ by: chosen })} options={groupings} />
      {mayAll && (
        <Select
          label="Users"
          value={allUsers ? 'all' : 'own'}
          onChoose={(chosen) => choose({ users: chosen === 'all' ? 'all' : undefined })}
          options={userOptions}
        />
      )}
    </Flex>
  )
  return (
    <Section title={`Usage by ${by}`} beside={choices}>
      <Answer
        of={groups}
        none={{
          when: ({ items }) => items.length === 0,
          text: `No run that was started in ${usageRanges[range].label} has used a model.`,
        }}
      >
        {({ items }) => <GroupTable items={items} by={by} />}
      </Answer>
    </Section>
  )
}

function GroupTable({ items, by }: { readonly items: Groups; readonly by: Grouping }) {
  const { title, missing } = names[by]
  return (
    <Table>
      <thead>
        <tr>
          <th scope="col">{title}</th>
          {['Runs', 'Tokens in', 'Tokens out', 'Tokens', 'Cost'].map((name) => (
            <th key={name} scope="col" className={/ /.test(name) ? 'figure roomy' : 'figure'}>
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {items.map(({ name, runs, inputTokens, outputTokens, tokens, cost, unpriced }) => (
          <tr key={name ?? ''}>
            <th scope="row" className="break">
              {name === undefined ? <Text color="gray">{missing}</Text> : visible(name)}
            </th>
            <td className="figure">{count(runs)}</td>
            <td className="figure roomy">{count(inputTokens)}</td>
            <td className="figure roomy">{count(outputTokens)}</td>
            <td className="figure">{count(tokens)}</td>
            <td className="figure">{priced(cost, unpriced > 0)}</td>
          </tr>
        ))}
      </tbody>
    </Table>
  )
}
