/** The registered teams: how each is drawn, and what the check of teams finds. */
import { lazy, Suspense } from 'react'
import type { Topology } from '../api/shapes.ts'
import { useAnswer } from '../api/use-api.tsx'
import { Answer, Loading } from '../parts/answer.tsx'
import { Section } from '../parts/section.tsx'
import { Status } from '../parts/status.tsx'
import { Button, Flex, Heading, Text } from '../parts/ui.tsx'
import { Value } from '../parts/value.tsx'
import { linkTo, linkToList } from '../route.ts'
import { visible } from '../visible.ts'

/** It is heavy, and a list needs none of it. */
const Graph = lazy(() => import('../parts/graph.tsx').then(({ Graph: graph }) => ({ default: graph })))

const nothingHappened = new Map()
const colours = { error: 'failed', warning: 'degraded', advice: 'advice' } as const

export function Teams() {
  const teams = useAnswer('teams.list', {})
  return (
    <>
      <Heading as="h1" mb="4">
        Teams
      </Heading>
      <Answer
        of={teams}
        none={{
          when: ({ items }) => items.length === 0,
          text: 'No team is registered: name some under `teams` in the configuration.',
        }}
      >
        {({ items }) => (
          <ul className="plain">
            {items.map(({ name }) => (
              <li key={name}>
                <a href={linkTo('teams', name)}>{visible(name)}</a>
              </li>
            ))}
          </ul>
        )}
      </Answer>
    </>
  )
}

/** The document leaves open how a topology is written. */
const isTopology = (value: unknown): value is Topology =>
  typeof value === 'object' && value !== null && 'nodes' in value && 'edges' in value

export function Team({ name }: { readonly name: string }) {
  const team = useAnswer('teams.get', { path: { team: name } })
  return (
    <>
      <Text as="p" mb="1">
        <a href={linkTo('teams')}>Teams</a>
      </Text>
      <Heading as="h1" className="break" mb="3">
        {visible(name)}
      </Heading>
      <Flex gap="2" wrap="wrap" mb="3">
        <a href={linkToList('chat', { with: name })}>Talk to it</a>
        <a href={linkToList('runs', { team: name })}>Its runs</a>
      </Flex>
      <Answer of={team}>
        {({ topology }) => (
          <>
            {isTopology(topology) && (
              <Suspense fallback={<Loading />}>
                <Graph topology={topology} states={nothingHappened} />
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

function Findings({ team }: { readonly team: string }) {
  const check = useAnswer('teams.check', { body: { team } })
  return (
    <Section title="Check">
      <Answer of={check} none={{ when: ({ findings }) => findings.length === 0, text: 'Nothing is wrong with it.' }}>
        {({ findings }) => (
          <ul className="plain">
            {findings.map(({ code, severity, location, message, remedy }) => (
              <li key={`${code} ${location}`}>
                <Status status={colours[severity]} reason={code} /> {visible(message)}
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
  const text = JSON.stringify(topology, undefined, 2)
  const save = () => {
    const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }))
    Object.assign(document.createElement('a'), { href: url, download: `${name}.json` }).click()
    URL.revokeObjectURL(url)
  }
  return (
    <Section
      title="Definition"
      beside={
        <Button look="soft" small onClick={save}>
          Save as JSON
        </Button>
      }
    >
      <Value value={topology} label={`Definition of ${name}`} />
    </Section>
  )
}
