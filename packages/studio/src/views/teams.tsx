/** The registered teams: how each is drawn, and what the check of teams finds. */
import { Link } from '@tanstack/react-router'
import { Fragment, Suspense, useState } from 'react'
import type { Runs } from 'troupe'
import type { AnswerOf } from 'troupe/client'
import { isTopology, type Topology } from '../api/shapes.ts'
import { useAnswer, useClient } from '../api/use-api.tsx'
import { useMay } from '../api/use-may.ts'
import { count } from '../format.ts'
import { Answer, ErrorNotice, Loading } from '../parts/answer.tsx'
import type { CodeLanguage } from '../parts/code-view.tsx'
import { CopyButton } from '../parts/copy-link.tsx'
import { DataTable, fromRow } from '../parts/data-table.tsx'
import { download } from '../parts/download.ts'
import type { NodeFinding } from '../parts/graph.tsx'
import { lazyPart } from '../parts/load-part.ts'
import { Section } from '../parts/section.tsx'
import { Status } from '../parts/status.tsx'
import { Button, Flex, Text } from '../parts/ui.tsx'
import { useCommand } from '../parts/use-command.ts'
import { Value } from '../parts/value.tsx'
import { ViewHeader } from '../parts/view-header.tsx'
import { teamRoute } from '../routes.ts'
import { definedAgents } from '../team-source/saved-team.ts'
import { visible } from '../visible.ts'

/** It is heavy, and a list needs none of it. */
const Graph = lazyPart(() => import('../parts/graph.tsx').then(({ Graph: graph }) => ({ default: graph })))

const CodeView = lazyPart(() => import('../parts/code-view.tsx'))

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
            <Definition topology={topology} name={name} />
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
                <Status status={severity} reason={code} /> {visible(message)}
                <Text as="p" size="small" color="gray" className="break">
                  {visible(location)}: {visible(remedy)}
                </Text>
              </li>
            ))}
          </ul>
        )}
      </Answer>
    </Section>
  )
}

function Definition({ topology, name }: { readonly topology: unknown; readonly name: string }) {
  const [shown, setShown] = useState<{ readonly format: CodeLanguage; readonly text: string }>()
  return (
    <Section title="Definition">
      <Flex gap="2" wrap="wrap" mb="2" role="group" aria-label="The team as code">
        <Button look="soft" small aria-pressed={shown === undefined} onClick={() => setShown(undefined)}>
          JSON
        </Button>
        <Button
          look="soft"
          small
          onClick={() => download(`${name}.json`, JSON.stringify(topology, undefined, 2), 'application/json')}
        >
          Save as JSON
        </Button>
        {isTopology(topology) && (
          <CodeCommands
            name={name}
            topology={topology as Runs.CanonicalTopology}
            shown={shown?.format}
            show={(format, text) => setShown({ format, text })}
          />
        )}
      </Flex>
      {shown === undefined ? (
        <Value value={topology} label={`Definition of ${name}`} />
      ) : (
        <Suspense fallback={<Loading />}>
          <CodeView label={`${name} as ${shown.format}`} text={visible(shown.text)} language={shown.format} />
        </Suspense>
      )}
    </Section>
  )
}

const formats = {
  YAML: {
    ending: 'team.yaml',
    type: 'application/yaml',
    writer: () => import('../team-source/team-as-yaml.ts').then((it) => it.teamAsYaml),
  },
  TypeScript: {
    ending: 'ts',
    type: 'text/typescript',
    writer: () => import('../team-source/team-as-typescript.ts').then((it) => it.teamAsTypeScript),
  },
} as const

interface CodeCommandsProps {
  readonly name: string
  readonly topology: Runs.CanonicalTopology
  /** The format that is shown. */
  readonly shown: CodeLanguage | undefined
  readonly show: (format: CodeLanguage, text: string) => void
}

/** Shows, saves and copies the team in each format. */
function CodeCommands({ name, topology, shown, show }: CodeCommandsProps) {
  const client = useClient()
  const may = useMay()
  const { error, run } = useCommand()
  const definitionOf = async (agent: string) => {
    if (!may('agents.get')) return undefined
    return [agent, await client.call('agents.get', { path: { agent } })] as const
  }
  const write = async (format: keyof typeof formats) => {
    const writer = await formats[format].writer()
    const found = await Promise.all(definedAgents(topology).map(definitionOf))
    return writer({ name, topology, definitions: new Map(found.filter((one) => one !== undefined)) })
  }
  const save = (format: keyof typeof formats) =>
    run(async () => download(`${name}.${formats[format].ending}`, await write(format), formats[format].type))
  return (
    <>
      {(['YAML', 'TypeScript'] as const).map((format) => (
        <Fragment key={format}>
          <Button
            look="soft"
            small
            aria-pressed={shown === format}
            onClick={() => void run(async () => show(format, await write(format)))}
          >
            {format}
          </Button>
          <Button look="soft" small onClick={() => void save(format)}>
            Save as {format}
          </Button>
          <CopyButton label={`Copy as ${format}`} text={() => write(format)} />
        </Fragment>
      ))}
      {error && <ErrorNotice error={error} />}
    </>
  )
}
