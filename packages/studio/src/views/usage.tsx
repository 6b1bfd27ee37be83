/** Usage over time, and tokens and cost of each run. */
import { Link } from '@tanstack/react-router'
import { useAnswer } from '../api/use-api.tsx'
import { count, inShort, spent } from '../format.ts'
import { Answer } from '../parts/answer.tsx'
import { DataTable, fromRow } from '../parts/data-table.tsx'
import { isPartOfList, Pager } from '../parts/pager.tsx'
import { Section } from '../parts/section.tsx'
import { Card, Text } from '../parts/ui.tsx'
import { UsageCharts } from '../parts/usage-charts.tsx'
import { UsageGroups } from '../parts/usage-groups.tsx'
import { ViewHeader } from '../parts/view-header.tsx'
import { usageRoute } from '../routes.ts'
import { visible } from '../visible.ts'

export function Usage() {
  const { after } = usageRoute.useSearch()
  const usage = useAnswer('usage.list', { query: { limit: 50, cursor: after?.at(-1) } })
  return (
    <>
      <ViewHeader title="Usage" />
      <UsageCharts />
      <UsageGroups />
      <Section title="Runs">
        <Answer
          of={usage}
          none={{
            when: ({ items }) => items.length === 0 && after === undefined,
            text: 'No run has used a model yet. A run of a model agent appears here.',
          }}
        >
          {({ items, total, cursor }) => (
            <>
              <div className="figures">
                <Total name="Tokens in" text={count(total.usage.inputTokens)} />
                <Total name="Tokens out" text={count(total.usage.outputTokens)} />
                <Total name="Cost" text={spent(total.cost)} />
              </div>
              {total.cost.unknown.length > 0 && (
                <Text as="p" color="gray" mb="3">
                  The prices of {visible(total.cost.unknown.join(', '))} are not known: name them under{' '}
                  <code>prices</code> in the configuration.
                </Text>
              )}
              <DataTable
                columns={[
                  {
                    header: 'Run',
                    accessorFn: ({ title }) => title,
                    cell: fromRow(({ run, title }) => (
                      <Link to="/runs/$run" params={{ run }}>
                        {inShort(title) || run}
                      </Link>
                    )),
                    meta: { breaks: true },
                  },
                  {
                    header: 'Tokens in',
                    accessorFn: (one) => one.usage.inputTokens,
                    cell: fromRow((one) => count(one.usage.inputTokens)),
                    meta: { numeric: true },
                  },
                  {
                    header: 'Tokens out',
                    accessorFn: (one) => one.usage.outputTokens,
                    cell: fromRow((one) => count(one.usage.outputTokens)),
                    meta: { numeric: true },
                  },
                  {
                    header: 'Cost',
                    accessorFn: ({ cost }) => cost.usd,
                    cell: fromRow(({ cost }) => spent(cost)),
                    meta: { numeric: true },
                  },
                ]}
                rows={items}
                isPart={isPartOfList(after, cursor)}
                rowKey={({ run }) => run}
              />
              <Pager next={cursor} back="Back" on="More" />
            </>
          )}
        </Answer>
      </Section>
    </>
  )
}

function Total({ name, text }: { readonly name: string; readonly text: string }) {
  return (
    <Card>
      <Text as="p" color="gray">
        {name}
      </Text>
      <Text as="p" size="large" bold>
        {text}
      </Text>
    </Card>
  )
}
