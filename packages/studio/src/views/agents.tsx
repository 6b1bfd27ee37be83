/** The agents that runs can name and that teams have, the workers at work now, and one agent in detail. */
import { Link } from '@tanstack/react-router'
import type { AnswerOf } from 'troupe/client'
import { useAnswer } from '../api/use-api.tsx'
import { useMay } from '../api/use-may.ts'
import { count, lasting, percent } from '../format.ts'
import { Answer } from '../parts/answer.tsx'
import { DataTable, fromRow } from '../parts/data-table.tsx'
import { Facts } from '../parts/facts.tsx'
import { useMetrics } from '../parts/metrics.ts'
import { Section } from '../parts/section.tsx'
import { Text } from '../parts/ui.tsx'
import { Value } from '../parts/value.tsx'
import { ViewHeader } from '../parts/view-header.tsx'
import { agentRoute } from '../routes.ts'
import { visible } from '../visible.ts'
import { AgentMetrics, successText } from './agent-metrics.tsx'

/** Where a cell has no value. */
const none = <Text color="gray">–</Text>

export function Agents() {
  const may = useMay()
  const agents = useAnswer('agents.list', {})
  const teams = useAnswer('teams.list', {})
  const metrics = useMetrics()
  const hasMetrics = metrics !== undefined
  const present = useAnswer('agents.presence', { every: 3_000 })
  const teamsOf = (agent: string) =>
    teams.data?.items.filter((team) => team.agents.includes(agent)).map(({ name }) => name) ?? []
  const names = [
    ...new Set([
      ...(agents.data?.items ?? []).map(({ name }) => name),
      ...(teams.data?.items ?? []).flatMap((team) => team.agents),
    ]),
  ].sort()
  return (
    <>
      <ViewHeader title="Agents" isOfAllUsers />
      <Section title="At work now">
        <Answer
          of={present}
          none={{
            when: ({ items }) => items.length === 0,
            text: 'No worker is present. A program starts one with `user.start(new Worker(…))`.',
          }}
        >
          {({ items }) => (
            <DataTable
              columns={[
                { header: 'Agent', accessorFn: ({ name }) => name, meta: { breaks: true } },
                { header: 'Role', accessorFn: ({ role }) => role },
                { header: 'Topics', accessorFn: ({ topics }) => topics.join(', '), meta: { wideOnly: true } },
                {
                  header: 'Process',
                  accessorFn: ({ processId }) => processId,
                  meta: { wideOnly: true, breaks: true },
                },
              ]}
              rows={items}
              rowKey={({ id }) => id}
            />
          )}
        </Answer>
      </Section>
      <Section title="Known agents">
        <Answer
          of={agents}
          none={{
            when: () => names.length === 0,
            text: 'No agent is known here. Name agents or teams in the configuration.',
          }}
        >
          {() => (
            <DataTable
              columns={[
                {
                  header: 'Agent',
                  accessorFn: ({ name }) => name,
                  cell: fromRow(({ name }) =>
                    may('agents.get') ? (
                      <Link to="/agents/$agent" params={{ agent: name }}>
                        {visible(name)}
                      </Link>
                    ) : (
                      visible(name)
                    ),
                  ),
                  meta: { breaks: true },
                },
                {
                  header: 'Teams',
                  cell: fromRow(({ name }) =>
                    teamsOf(name).length === 0
                      ? none
                      : teamsOf(name).map((team, i) => (
                          <span key={team}>
                            {i > 0 && ', '}
                            <Link to="/teams/$team" params={{ team }}>
                              {visible(team)}
                            </Link>
                          </span>
                        )),
                  ),
                  meta: { breaks: true },
                },
                {
                  header: 'Steps',
                  accessorFn: ({ ended }) => ended,
                  cell: fromRow(({ ended }) => (ended > 0 ? count(ended) : none)),
                  meta: { numeric: true, wideOnly: true },
                },
                {
                  header: 'Success',
                  accessorFn: ({ steps, ended }) => (steps && ended > 0 ? steps.completed / ended : undefined),
                  cell: fromRow(({ steps }) => (steps && successText(steps)) || none),
                  meta: { numeric: true },
                },
                {
                  header: 'Mean duration',
                  accessorFn: ({ ended, steps }) => (ended > 0 ? steps?.meanMs : undefined),
                  cell: fromRow(({ ended, steps }) =>
                    ended > 0 && steps?.meanMs !== undefined ? lasting(steps.meanMs) : none,
                  ),
                  meta: { numeric: true, wideOnly: true },
                },
                {
                  header: 'Runs',
                  cell: fromRow(({ name }) => (
                    <Link to="/runs" search={{ search: name }} aria-label={`Show runs with ${visible(name)}`}>
                      Show runs
                    </Link>
                  )),
                },
              ]}
              visibility={{ Steps: hasMetrics, Success: hasMetrics, 'Mean duration': hasMetrics }}
              rows={names.map((name) => {
                const steps = metrics?.agent(name)
                return { name, steps, ended: steps ? steps.completed + steps.failed : 0 }
              })}
              rowKey={({ name }) => name}
            />
          )}
        </Answer>
      </Section>
    </>
  )
}

export function Agent() {
  const { agent: name } = agentRoute.useParams()
  const agent = useAnswer('agents.get', { path: { agent: name }, every: 3_000 })
  return (
    <>
      <ViewHeader within={<Link to="/agents">Agents</Link>} title={visible(name)} isOfAllUsers />
      <Answer of={agent}>
        {({
          description,
          kind,
          models,
          instructions,
          tools,
          toolSources,
          helpers,
          role,
          allow,
          deny,
          memory,
          pool,
        }) => (
          <>
            <Facts
              facts={[
                ['Description', description !== undefined && visible(description)],
                ['Executed by', kind === 'model' ? 'a model' : 'code'],
                ['Model', kind === 'model' && (visible(models.join(', or ')) || 'named by the environment')],
                ['Role', role !== undefined && visible(role)],
                ['Allowed', allow !== undefined && visible(allow.join(', '))],
                ['Denied', deny !== undefined && visible(deny.join(', '))],
                ['Agents as tools', visible(helpers.join(', '))],
                ['Sources of tools', visible(toolSources.join(', '))],
                ['Memory', memory && memoryText(memory)],
              ]}
            />
            {pool && <PoolMetrics pool={pool} />}
            <AgentMetrics agent={name} models={models} />
            {kind === 'model' && (
              <Section title="Instructions">
                {instructions === undefined ? (
                  <Text as="p" color="gray">
                    Code writes them in each step: open a model call of a run to see them as sent.
                  </Text>
                ) : (
                  <Value value={instructions} label={`Instructions of ${name}`} />
                )}
              </Section>
            )}
            {tools.length > 0 && (
              <Section title="Tools">
                <DataTable
                  columns={[
                    {
                      header: 'Tool',
                      accessorFn: ({ name }) => name,
                      cell: fromRow((tool) => <code>{visible(tool.name)}</code>),
                      meta: { breaks: true },
                    },
                    { header: 'Effect class', accessorFn: ({ effect }) => effect },
                    { header: 'Approval', accessorFn: ({ approval }) => approval },
                    {
                      header: 'Description',
                      cell: fromRow((tool) => visible(tool.description)),
                      meta: { wideOnly: true, breaks: true },
                    },
                  ]}
                  rows={tools}
                  rowKey={(tool) => tool.name}
                />
              </Section>
            )}
          </>
        )}
      </Answer>
    </>
  )
}

/** The counts of the pool of an agent in the process that answers. */
function PoolMetrics({ pool }: { readonly pool: NonNullable<AnswerOf<'agents.get'>['pool']> }) {
  return (
    <Section title="Pool">
      <Facts
        facts={[
          ['Instances in use', `${count(pool.inUse)} of ${count(pool.size)}`],
          ['Idle', count(pool.idle)],
          ['Callers that wait', count(pool.waiting)],
          ['Timeouts', count(pool.timeouts)],
          ['Times acquired', count(pool.acquired)],
          ['Disposed of', count(pool.disposed)],
        ]}
      />
    </Section>
  )
}

interface MemoryFacts {
  readonly maxTokens?: number
  readonly compactsAt?: number
  readonly consolidates: boolean
}

function memoryText({ maxTokens, compactsAt, consolidates }: MemoryFacts): string {
  const compaction =
    compactsAt !== undefined &&
    `older turns are summarised at ${compactsAt <= 1 ? `${percent(compactsAt)} of the window` : `${compactsAt} tokens`}`
  const parts = [
    maxTokens !== undefined && `${maxTokens} tokens are sent`,
    compaction,
    consolidates && 'facts are stored',
  ]
  return parts.filter(Boolean).join(', ') || 'all messages of its thread'
}
