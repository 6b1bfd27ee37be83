/** The agents that runs can name and that teams have, the workers at work now, and one agent in detail. */
import { Link } from '@tanstack/react-router'
import type { AnswerOf } from 'troupe/client'
import { useAnswer } from '../api/use-api.tsx'
import { useMay } from '../api/use-may.ts'
import { count, lasting } from '../format.ts'
import { Answer } from '../parts/answer.tsx'
import { Facts } from '../parts/facts.tsx'
import { type StepMetrics, useMetrics } from '../parts/metrics.ts'
import { Section } from '../parts/section.tsx'
import { Heading, Table, Text } from '../parts/ui.tsx'
import { Value } from '../parts/value.tsx'
import { agentRoute } from '../routes.ts'
import { visible } from '../visible.ts'
import { AgentMetrics, successText } from './agent-metrics.tsx'

export function Agents() {
  const may = useMay()
  const agents = useAnswer('agents.list', {})
  const teams = useAnswer('teams.list', {})
  const metrics = useMetrics()
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
      <Heading as="h1" mb="4">
        Agents
      </Heading>
      <Section title="At work now">
        <Answer of={present} none={{ when: ({ items }) => items.length === 0, text: 'No worker is present.' }}>
          {({ items }) => (
            <Table>
              <thead>
                <tr>
                  <th scope="col">Agent</th>
                  <th scope="col">Role</th>
                  <th scope="col" className="roomy">
                    Topics
                  </th>
                  <th scope="col" className="roomy">
                    Process
                  </th>
                </tr>
              </thead>
              <tbody>
                {items.map(({ id, name, role, topics, processId }) => (
                  <tr key={id}>
                    <th scope="row" className="break">
                      {name}
                    </th>
                    <td>{role}</td>
                    <td className="roomy">{topics.join(', ')}</td>
                    <td className="roomy break">{processId}</td>
                  </tr>
                ))}
              </tbody>
            </Table>
          )}
        </Answer>
      </Section>
      <Section title="Known agents">
        <Answer of={agents} none={{ when: () => names.length === 0, text: 'No agent is known here.' }}>
          {() => (
            <Table>
              <thead>
                <tr>
                  <th scope="col">Agent</th>
                  <th scope="col">Teams</th>
                  {metrics && (
                    <>
                      <th scope="col" className="figure roomy">
                        Steps
                      </th>
                      <th scope="col" className="figure">
                        Success
                      </th>
                      <th scope="col" className="figure roomy">
                        Mean duration
                      </th>
                    </>
                  )}
                  <th scope="col">Runs</th>
                </tr>
              </thead>
              <tbody>
                {names.map((name) => (
                  <tr key={name}>
                    <th scope="row" className="break">
                      {may('agents.get') ? (
                        <Link to="/agents/$agent" params={{ agent: name }}>
                          {visible(name)}
                        </Link>
                      ) : (
                        visible(name)
                      )}
                    </th>
                    <td className="break">
                      {teamsOf(name).map((team, i) => (
                        <span key={team}>
                          {i > 0 && ', '}
                          <Link to="/teams/$team" params={{ team }}>
                            {visible(team)}
                          </Link>
                        </span>
                      ))}
                    </td>
                    {metrics && <MetricCells of={metrics.agent(name)} />}
                    <td>
                      <Link to="/runs" search={{ search: name }} aria-label={`Runs with ${visible(name)}`}>
                        runs
                      </Link>
                    </td>
                  </tr>
                ))}
              </tbody>
            </Table>
          )}
        </Answer>
      </Section>
    </>
  )
}

/** The figures of one agent since the process that answers was opened; empty where it has executed no step there. */
function MetricCells({ of }: { readonly of: StepMetrics }) {
  const ended = of.completed + of.failed
  return (
    <>
      <td className="figure roomy">{ended === 0 ? '' : count(ended)}</td>
      <td className="figure">{successText(of)}</td>
      <td className="figure roomy">{of.meanMs === undefined ? '' : lasting(of.meanMs)}</td>
    </>
  )
}

export function Agent() {
  const { agent: name } = agentRoute.useParams()
  const agent = useAnswer('agents.get', { path: { agent: name }, every: 3_000 })
  return (
    <>
      <Text as="p" mb="1">
        <Link to="/agents">Agents</Link>
      </Text>
      <Heading as="h1" className="break" mb="3">
        {visible(name)}
      </Heading>
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
                <Table>
                  <thead>
                    <tr>
                      <th scope="col">Tool</th>
                      <th scope="col">Effect class</th>
                      <th scope="col">Approval</th>
                      <th scope="col" className="roomy">
                        Description
                      </th>
                    </tr>
                  </thead>
                  <tbody>
                    {tools.map((tool) => (
                      <tr key={tool.name}>
                        <th scope="row" className="break">
                          {visible(tool.name)}
                        </th>
                        <td>{tool.effect}</td>
                        <td>{tool.approval}</td>
                        <td className="roomy break">{visible(tool.description)}</td>
                      </tr>
                    ))}
                  </tbody>
                </Table>
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
    `older turns are summarised at ${compactsAt <= 1 ? `${compactsAt * 100} % of the window` : `${compactsAt} tokens`}`
  const parts = [
    maxTokens !== undefined && `${maxTokens} tokens are sent`,
    compaction,
    consolidates && 'facts are stored',
  ]
  return parts.filter(Boolean).join(', ') || 'all messages of its thread'
}
