/** Runs, tokens and cost by team, user or model, of the user of the page or of all users. */
import { useNavigate } from '@tanstack/react-router'
import type { AnswerOf } from 'troupe/client'
import { useAnswer } from '../api/use-api.tsx'
import { count, priced } from '../format.ts'
import { usageRoute } from '../routes.ts'
import { visible } from '../visible.ts'
import { Answer } from './answer.tsx'
import { DataTable, fromRow } from './data-table.tsx'
import { Section } from './section.tsx'
import { Flex, Select, Text } from './ui.tsx'
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
    <DataTable
      columns={[
        {
          header: title,
          accessorFn: ({ name }) => name,
          cell: fromRow(({ name }) => (name === undefined ? <Text color="gray">{missing}</Text> : visible(name))),
          meta: { breaks: true },
        },
        {
          header: 'Runs that used a model',
          accessorFn: ({ runs }) => runs,
          cell: fromRow(({ runs }) => count(runs)),
          meta: { numeric: true },
        },
        {
          header: 'Tokens in',
          accessorFn: ({ inputTokens }) => inputTokens,
          cell: fromRow(({ inputTokens }) => count(inputTokens)),
          meta: { numeric: true, wideOnly: true },
        },
        {
          header: 'Tokens out',
          accessorFn: ({ outputTokens }) => outputTokens,
          cell: fromRow(({ outputTokens }) => count(outputTokens)),
          meta: { numeric: true, wideOnly: true },
        },
        {
          header: 'Tokens',
          accessorFn: ({ tokens }) => tokens,
          cell: fromRow(({ tokens }) => count(tokens)),
          meta: { numeric: true },
        },
        {
          header: 'Cost',
          accessorFn: ({ cost }) => cost,
          cell: fromRow(({ cost, unpriced }) => priced(cost, unpriced > 0)),
          meta: { numeric: true },
        },
      ]}
      rows={items}
      rowKey={({ name = '' }) => name}
    />
  )
}
