/** A team in one YAML or JSON file: its agents and how they work together. Its schema is published as team.schema.json. */
import { readFile } from 'node:fs/promises'
import { basename, extname } from 'node:path'
import { z } from 'zod'
import type { TroupeConfig } from '../../configuration/index.ts'
import { issueProblem, nearest, type TroupeError, withoutByteOrderMark } from '../../core/index.ts'
import { compileRules } from '../../security/index.ts'
import { defineTopology, patterns, type TopologyForm } from '../../topology/index.ts'
import { misused } from '../exit-codes.ts'
import { agentFromFile, agentSchema, memorySchema, policySchema, settingsSchema } from './agent-from-file.ts'

export type Definition = NonNullable<TroupeConfig['agents']>[number]

const kinds = [
  'pipeline',
  'hubAndSpoke',
  'hierarchical',
  'mesh',
  'star',
  'ring',
  'broadcast',
  'supervisor',
  'swarm',
] as const
const optionsByName = z.record(z.string(), z.looseObject({}))
const teamSchema = z
  .strictObject({
    $schema: z.string().optional(),
    name: z.string().optional().describe('The name of the team; the name of the file by default.'),
    agents: z
      .record(z.string(), agentSchema)
      .refine((agents) => Object.keys(agents).length > 0, 'a team has one agent at least')
      .describe('The agents by name.'),
    flows: z
      .array(z.string())
      .min(1)
      .optional()
      .describe("Which agent invokes which: 'Lead -> Writer', 'Lead => {Left, Right}', 'A <-> B'."),
    nodes: optionsByName
      .optional()
      .describe('The options of agents in flows, by name: join, deadline, onFailure and limit, as in code.'),
    edges: optionsByName
      .optional()
      .describe(
        'The options of flows, each by its text in flows: type, when, maxTurns, limit and perPass, as in code.',
      ),
    pattern: z
      .partialRecord(z.enum(kinds), z.looseObject({}))
      .optional()
      .describe('A pattern of topology in place of flows; it names its agents.'),
    config: z.looseObject({}).optional().describe('The default run configuration: budget, timeouts, join, as in code.'),
    policy: policySchema.optional(),
  })
  .describe('A team of agents.')

/** Returns the JSON Schema of team files, for editors. */
export const teamJsonSchema = (): object => z.toJSONSchema(teamSchema, { io: 'input' })

export interface ReadTeam {
  readonly name: string
  readonly agents: readonly Definition[]
  readonly topology: TopologyForm
}

/** @throws CliError with all that is wrong with the file */
export async function readTeamFile(path: string): Promise<ReadTeam> {
  const checked = teamSchema.safeParse(await parsed(path))
  if (!checked.success)
    throw misused(
      `${path} is not a team:\n- ${problemsOf(checked.error).join('\n- ')}`,
      'team.schema.json in the package says what a team takes.',
    )
  const { name = basename(path, extname(path)), agents, flows, nodes, edges, pattern, config, policy } = checked.data
  const made = await Promise.all(
    Object.entries(agents).map(([agent, described]) => agentFromFile(path, agent, described)),
  )
  if (flows && pattern) throw misused(`${path} has flows and a pattern.`, 'Remove one of them.')
  if (!flows && (nodes || edges)) throw misused(`${path} has options of flows and no flows.`, 'Write flows.')
  const defined = Object.fromEntries(Object.entries({ nodes, edges, config }).filter(([, value]) => value))
  const topology: TopologyForm = flows
    ? { agents: made, flows, ...defined }
    : patterned(path, made, pattern ?? {}, defined)
  return { name, agents: made, topology: policy ? withPolicy(path, topology, policy) : topology }
}

/** Adds the policy. It parses the conditions here, so that an error names the file. */
function withPolicy(path: string, topology: TopologyForm, rules: z.infer<typeof policySchema>): TopologyForm {
  try {
    compileRules(rules, 'the team')
  } catch (error) {
    throw misused(`The policy of ${path} is wrong: ${(error as Error).message}`, (error as TroupeError).hint)
  }
  const compiled = defineTopology(topology)
  const config = { ...compiled.canonical.config, policy: rules }
  return { ...compiled, canonical: { ...compiled.canonical, config } } as TopologyForm
}

const words = (schema: { readonly shape: object }): readonly string[] => Object.keys(schema.shape)

/** All that a schema of this file finds, with the word that may be meant. */
export const problemsOf = ({ issues }: z.ZodError): readonly string[] =>
  issues.flatMap(plainIssues).map((issue) => {
    const at = issue.path.length === 0 ? '' : `${issue.path.join('.')}: `
    if (issue.code !== 'unrecognized_keys') return `${at}${issueProblem(issue)}`
    const known = [
      ...words(teamSchema),
      ...words(agentSchema),
      ...words(settingsSchema),
      ...words(memorySchema),
      ...kinds,
    ]
    return `${at}${issue.keys.map((key) => `${key} is unknown${meant(key, known)}`).join(', ')}`
  })

type Issue = z.core.$ZodIssue

/** Returns the issues of the alternative that is most similar to the value, without those of the others. */
function plainIssues(issue: Issue): readonly Issue[] {
  if (issue.code !== 'invalid_union') return [issue]
  const depthOf = (found: readonly Issue[]) =>
    Math.max(...found.map(({ path, code }) => path.length + (code === 'unrecognized_keys' ? 1 : 0)))
  const branches = issue.errors.map((branch) => branch.flatMap(plainIssues))
  const deepest = branches.toSorted((one, other) => depthOf(other) - depthOf(one))[0]
  if (!deepest || depthOf(deepest) === 0) return [issue]
  return deepest.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }))
}

const meant = (name: string, known: Iterable<string>): string => {
  const near = nearest(name, known)
  return near === undefined || near === name ? '' : `; did you mean ${near}?`
}

/** One after the other where nothing is said. */
function patterned(
  path: string,
  agents: readonly Definition[],
  pattern: Readonly<Record<string, unknown>>,
  common: object,
): TopologyForm {
  const [chosen, ...others] = Object.entries(pattern)
  if (others.length > 0) throw misused(`${path} has ${others.length + 1} patterns.`, 'A team is one of them.')
  const row = { stages: agents.map(({ name }) => ({ agents: [name] })) }
  const [kind, options]: readonly [string, unknown] = chosen ?? ['pipeline', row]
  const make = patterns[kind as (typeof kinds)[number]] as (options: unknown) => TopologyForm
  const byName = new Map(agents.map((agent) => [agent.name, agent]))
  try {
    return make({ ...(withAgents(options, byName) as object), ...common })
  } catch (error) {
    // In code it would be the definition; here it is a name.
    const name = /at (.+): it is a name, not an agent/.exec((error as Error).message)?.[1]
    if (name === undefined) throw error
    throw misused(`${path} has no agent ${name}${meant(name, byName.keys())}`, 'Describe it under agents.')
  }
}

/** Names of agents become the agents, as patterns take them. */
function withAgents(value: unknown, byName: ReadonlyMap<string, Definition>): unknown {
  if (typeof value === 'string') return byName.get(value) ?? value
  if (Array.isArray(value)) return value.map((one) => withAgents(one, byName))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, withAgents(one, byName)]))
}

async function parsed(path: string): Promise<unknown> {
  const file = await readFile(path, 'utf8').catch((error: Error) => {
    throw misused(`${path} cannot be read: ${error.message}.`)
  })
  const text = withoutByteOrderMark(file)
  const kind = path.endsWith('.json') ? 'JSON' : 'YAML'
  try {
    return kind === 'JSON' ? JSON.parse(text) : (await import('yaml')).parse(text)
  } catch (error) {
    throw misused(`${path} is not ${kind}: ${(error as Error).message.split('\n')[0]?.replace(/:$/, '')}`)
  }
}
