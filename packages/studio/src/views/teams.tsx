/** The registered teams: how each is drawn, and what the check of teams finds. */
import { Link } from '@tanstack/react-router'
import { Fragment, Suspense } from 'react'
import type { AnswerOf } from 'troupe/client'
import { isTopology, type Topology } from '../api/shapes.ts'
import { useAnswer } from '../api/use-api.tsx'
import { useMay } from '../api/use-may.ts'
import { count } from '../format.ts'
import { Answer, Loading } from '../parts/answer.tsx'
import { DataTable, fromRow } from '../parts/data-table.tsx'
import type { NodeFinding } from '../parts/graph.tsx'
import { lazyPart } from '../parts/load-part.ts'
import { Section } from '../parts/section.tsx'
import { Status } from '../parts/status.tsx'
import { Flex, Text } from '../parts/ui.tsx'
import { ViewHeader } from '../parts/view-header.tsx'
import { WithCode } from '../parts/with-code.tsx'
import { teamRoute } from '../routes.ts'
import { visible } from '../visible.ts'
import { TeamDefinition } from './team-definition.tsx'

/** It is heavy, and a list needs none of it. */
const Graph = lazyPart(() => import('../parts/graph.tsx').then(({ Graph: graph }) => ({ default: graph })))

const nothingHappened = new Map()
const severities = ['error', 'warning', 'advice'] as const

export function Teams() {
  const may = useMay()
  const teams = useAnswer('teams.list', {})
  return (
    <>
      <ViewHeader title="Teams" isOfAllUsers />
      <Answer
        of={teams}
        none={{
          when: ({ items }) => items.length === 0,
          text: 'No team is registered: name some under `teams` in the configuration.',
        }}
      >
        {({ items }) => (
          <DataTable
            columns={[
              {
                header: 'Team',
                accessorFn: ({ name }) => name,
                cell: fromRow(({ name }) => (
                  <Link to="/teams/$team" params={{ team: name }}>
                    {visible(name)}
                  </Link>
                )),
                meta: { breaks: true },
              },
              {
                header: 'Agents',
                accessorFn: ({ agents }) => agents.join(', '),
                cell: fromRow(({ agents }) =>
                  agents.map((agent, i) => (
                    <Fragment key={agent}>
                      {i > 0 && ', '}
                      {may('agents.get') ? (
                        <Link to="/agents/$agent" params={{ agent }}>
                          {visible(agent)}
                        </Link>
                      ) : (
                        visible(agent)
                      )}
                    </Fragment>
                  )),
                ),
                meta: { breaks: true },
              },
              { header: 'Check', cell: fromRow(({ name }) => <WorstFinding team={name} />) },
              {
                header: 'Runs',
                cell: fromRow(({ name }) => (
                  <Link to="/runs" search={{ team: name }} aria-label={`Show runs of ${visible(name)}`}>
                    Show runs
                  </Link>
                )),
              },
            ]}
            rows={items}
            rowKey={({ name }) => name}
          />
        )}
      </Answer>
    </>
  )
}

/** The most severe findings of the check of a team, with their number. */
function WorstFinding({ team }: { readonly team: string }) {
  const { data } = useAnswer('teams.check', { body: { team } })
  if (data === undefined) return null
  const worst = severities.find((one) => data.findings.some(({ severity }) => severity === one))
  if (worst === undefined) return <Status status="pass" />
  return <Status status={worst} reason={count(data.findings.filter(({ severity }) => severity === worst).length)} />
}

export function Team() {
  const { team: name } = teamRoute.useParams()
  const may = useMay()
  const found = useAnswer('teams.check', { body: { team: name } }).data?.findings ?? []
  const team = useAnswer('teams.get', { path: { team: name } })
  return (
    <>
      <ViewHeader within={<Link to="/teams">Teams</Link>} title={visible(name)} isOfAllUsers />
      <Flex gap="4" wrap="wrap" mb="3">
        {may('runs.start') && (
          <Link to="/chat" search={{ with: name }}>
            Talk to it
          </Link>
        )}
        <Link to="/runs" search={{ team: name }}>
          Its runs
        </Link>
      </Flex>
      <Answer of={team}>
        {({ topology }) => (
          <>
            {isTopology(topology) && (
              <Suspense fallback={<Loading />}>
                <Graph topology={topology} states={nothingHappened} findings={findingsOfNodes(topology, found)} />
              </Suspense>
            )}
            <Findings team={name} />
            <TeamDefinition topology={topology} name={name} />
          </>
        )}
      </Answer>
    </>
  )
}

type Finding = AnswerOf<'teams.check'>['findings'][number]

/** The nodes that the location of a finding names: `A`, `A -> B` or `A: tool`. */
function findingsOfNodes({ nodes }: Topology, findings: readonly Finding[]): ReadonlyMap<string, NodeFinding> {
  const found = new Map<string, NodeFinding>()
  for (const { name } of nodes) {
    const here = findings.filter(({ location }) => location.split(/ -> |: |, /).includes(name))
    const severity = severities.find((one) => here.some((finding) => finding.severity === one))
    if (severity) found.set(name, { severity, count: here.length })
  }
  return found
}

function Findings({ team }: { readonly team: string }) {
  const check = useAnswer('teams.check', { body: { team } })
  return (
    <Section title="Check">
      <Answer of={check} none={{ when: ({ findings }) => findings.length === 0, text: 'Nothing is wrong with it.' }}>
        {({ findings }) => (
          <ul className="plain">
            {findings.map(({ code, severity, location, message, remedy }) => (
              <li key={`${code} ${location}`}>
                <Status status={severity} reason={code} /> <WithCode text={message} />
                <Text as="p" size="small" color="gray" className="break">
                  {visible(location)}: <WithCode text={remedy} />
                </Text>
              </li>
            ))}
          </ul>
        )}
      </Answer>
    </Section>
  )
}
