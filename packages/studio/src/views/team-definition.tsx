/** The definition of a team in three formats, to read, save and copy. */
import { Suspense, useState } from 'react'
import type { Runs } from 'troupe'
import { isTopology } from '../api/shapes.ts'
import { useClient } from '../api/use-api.tsx'
import { useMay } from '../api/use-may.ts'
import { ErrorNotice, Loading } from '../parts/answer.tsx'
import { CopyButton } from '../parts/copy-link.tsx'
import { download } from '../parts/download.ts'
import { lazyPart } from '../parts/load-part.ts'
import { Section } from '../parts/section.tsx'
import { Button, Flex } from '../parts/ui.tsx'
import { useCommand } from '../parts/use-command.ts'
import { Value } from '../parts/value.tsx'
import { definedAgents } from '../team-source/saved-team.ts'
import { visible } from '../visible.ts'

const CodeView = lazyPart(() => import('../parts/code-view.tsx'))

const files = {
  JSON: { ending: 'json', type: 'application/json' },
  YAML: { ending: 'team.yaml', type: 'application/yaml' },
  TypeScript: { ending: 'ts', type: 'text/typescript' },
} as const
type Format = keyof typeof files

const writers = {
  YAML: () => import('../team-source/team-as-yaml.ts').then((it) => it.teamAsYaml),
  TypeScript: () => import('../team-source/team-as-typescript.ts').then((it) => it.teamAsTypeScript),
} as const

interface TeamDefinitionProps {
  readonly topology: unknown
  readonly name: string
}

export function TeamDefinition({ topology, name }: TeamDefinitionProps) {
  const json = JSON.stringify(topology, undefined, 2)
  const [{ format, text }, setShown] = useState<{ readonly format: Format; readonly text: string }>({
    format: 'JSON',
    text: json,
  })
  const write = useWriter(topology, name)
  const { error, run } = useCommand()
  const { ending, type } = files[format]
  return (
    <Section
      title="Definition"
      beside={
        <Flex gap="2" wrap="wrap">
          <Button look="soft" small onClick={() => download(`${name}.${ending}`, text, type)}>
            Save
          </Button>
          <CopyButton label="Copy" text={() => text} />
        </Flex>
      }
    >
      {isTopology(topology) && (
        <Flex gap="2" wrap="wrap" mb="2" role="group" aria-label="Format">
          {(['JSON', 'YAML', 'TypeScript'] as const).map((one) => (
            <Button
              key={one}
              look="soft"
              small
              aria-pressed={one === format}
              onClick={() =>
                void run(async () => setShown({ format: one, text: one === 'JSON' ? json : await write(one) }))
              }
            >
              {one}
            </Button>
          ))}
        </Flex>
      )}
      {error && <ErrorNotice error={error} />}
      {format === 'JSON' ? (
        <Value value={topology} label={`Definition of ${name}`} />
      ) : (
        <Suspense fallback={<Loading />}>
          <CodeView label={`${name} as ${format}`} text={visible(text)} language={format} />
        </Suspense>
      )}
    </Section>
  )
}

/** Writes the team with the definitions of those of its agents that the caller may read. */
function useWriter(topology: unknown, name: string) {
  const client = useClient()
  const may = useMay()
  const definitionOf = async (agent: string) => {
    if (!may('agents.get')) return undefined
    return [agent, await client.call('agents.get', { path: { agent } })] as const
  }
  return async (format: keyof typeof writers) => {
    const writer = await writers[format]()
    const team = topology as Runs.CanonicalTopology
    const found = await Promise.all(definedAgents(team).map(definitionOf))
    return writer({ name, topology: team, definitions: new Map(found.filter((one) => one !== undefined)) })
  }
}
