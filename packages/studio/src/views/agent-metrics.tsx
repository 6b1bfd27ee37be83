/** Success, latency and circuit breakers of an agent, as far as the process that answers has counted them. */
import { count, lasting, percent } from '../format.ts'
import { Nothing } from '../parts/answer.tsx'
import { DataTable, fromRow } from '../parts/data-table.tsx'
import { Facts } from '../parts/facts.tsx'
import { type Metrics, useMetrics } from '../parts/metrics.ts'
import { Section } from '../parts/section.tsx'
import { visible } from '../visible.ts'

/** The share of steps that completed, in per cent; empty if none has ended. */
export function successText({ completed, failed }: { readonly completed: number; readonly failed: number }): string {
  const ended = completed + failed
  return ended === 0 ? '' : percent(completed / ended)
}

/** @param models the models of the agent, whose breakers are shown */
export function AgentMetrics({ agent, models }: { readonly agent: string; readonly models: readonly string[] }) {
  const metrics = useMetrics()
  if (metrics === undefined) return null
  const steps = metrics.agent(agent)
  const tools = metrics.tools(agent)
  return (
    <Section title="Since this process was opened">
      {steps.completed + steps.failed === 0 ? (
        <Nothing>No step of the agent has ended in the process that answers.</Nothing>
      ) : (
        <Facts
          facts={[
            ['Steps completed', count(steps.completed)],
            ['Steps failed', count(steps.failed)],
            ['Success', successText(steps)],
            ['Mean duration', steps.meanMs !== undefined && lasting(steps.meanMs)],
          ]}
        />
      )}
      <Facts
        facts={models.flatMap((model) => {
          const state = metrics.breakers.get(model)
          return state === undefined ? [] : [[`Breaker of ${visible(model)}`, state] as const]
        })}
      />
      {tools.size > 0 && <ToolTable tools={tools} />}
    </Section>
  )
}

function ToolTable({ tools }: { readonly tools: ReturnType<Metrics['tools']> }) {
  return (
    <DataTable
      columns={[
        {
          header: 'Tool',
          accessorFn: ([tool]) => tool,
          cell: fromRow(([tool]) => <code>{visible(tool)}</code>),
          meta: { breaks: true },
        },
        {
          header: 'Calls',
          accessorFn: ([, { calls }]) => calls,
          cell: fromRow(([, { calls }]) => count(calls)),
          meta: { numeric: true },
        },
        {
          header: 'Failed',
          accessorFn: ([, { failures }]) => failures,
          cell: fromRow(([, { failures }]) => count(failures)),
          meta: { numeric: true },
        },
        {
          header: 'Mean duration',
          accessorFn: ([, { meanMs }]) => meanMs,
          cell: fromRow(([, { meanMs }]) => lasting(meanMs)),
          meta: { numeric: true },
        },
      ]}
      rows={[...tools]}
      rowKey={([tool]) => tool}
    />
  )
}
