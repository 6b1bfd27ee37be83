/** Teams and agents: checked and drawn before they run. */

import type { AnswerOf } from '../../client/index.ts'
import type { CliCommand, CommandContext } from '../cli-command.ts'
import { exitCodes, misused } from '../exit-codes.ts'
import { safe } from '../output/safe.ts'
import type { CliClient } from '../transport/cli-client.ts'
import { isFile } from './runs/run-command.ts'

type Finding = AnswerOf<'teams.check'>['findings'][number]
interface Topology {
  readonly nodes: readonly { readonly name: string; readonly kind: string }[]
  readonly edges: readonly {
    readonly from: string
    readonly to: string
    readonly type: string
    readonly when?: unknown
  }[]
}
interface Agent {
  readonly name: string
  readonly registered: boolean
  readonly role?: string
  readonly topics?: readonly string[]
}

const styles = { error: 'red', warning: 'yellow', advice: 'cyan' } as const

/** Returns the named teams; all teams of the configuration if none is named. */
async function namesOf(
  context: CommandContext,
  client: CliClient,
  team: string | undefined,
): Promise<readonly string[]> {
  if (team !== undefined && !isFile(team)) return [team]
  const { items } = await client.call('teams.list')
  if (items.length > 0) return items.map(({ name }) => name)
  throw misused(
    `${team ?? 'The configuration'} has no team.`,
    context.flags.url ? 'Name a team that the server knows.' : '`troupe init` makes a first one.',
  )
}

const opened = (context: CommandContext, team: string | undefined) =>
  context.client({ code: true, absent: 'memory', ...(team !== undefined && isFile(team) ? { team } : {}) })

export const teamCommands: readonly CliCommand[] = [
  {
    name: 'check',
    parameters: '[team]',
    description: 'Check a team before it runs, or all teams of the configuration',
    async run(context, [team]) {
      const { out } = context
      const client = await opened(context, team)
      const checked: { team: string; findings: readonly Finding[] }[] = []
      for (const name of await namesOf(context, client, team)) {
        const { findings } = await client.call('teams.check', { body: { team: name } })
        checked.push({ team: name, findings })
      }
      out.document(checked)
      for (const { team: name, findings } of checked) {
        out.print(
          `${safe(name)}: ${findings.length === 0 ? 'nothing to find fault with' : `${findings.length} findings`}`,
        )
        for (const { severity, code, location, message, remedy } of findings) {
          out.print(`  ${out.style(styles[severity], severity)} ${code} at ${safe(location)}: ${safe(message)}`)
          out.print(`    ${safe(remedy)}`)
        }
      }
      const isBad = checked.some(({ findings }) => findings.some(({ severity }) => severity === 'error'))
      return isBad ? exitCodes.failed : exitCodes.ok
    },
  },
  {
    name: 'agents',
    description: 'List the agents of the configuration and those that are present',
    async run({ client, out }) {
      const opened = await client({ code: true, absent: 'memory' })
      const { items: known } = await opened.call('agents.list')
      const { items: present } = await opened.call('agents.presence')
      const agents: Agent[] = [
        ...present.map(({ name, role, topics }) => ({
          name,
          registered: known.some((one) => one.name === name),
          role,
          topics,
        })),
        ...known
          .filter(({ name }) => !present.some((one) => one.name === name))
          .map(({ name }) => ({ name, registered: true })),
      ]
      out.table(
        agents,
        [
          { name: 'AGENT', of: ({ name }) => name },
          { name: 'RUNS CAN NAME IT', of: ({ registered }) => (registered ? 'yes' : '') },
          { name: 'AT WORK', of: ({ role }) => (role === undefined ? '' : 'yes') },
          { name: 'ROLE', of: ({ role }) => role ?? '' },
          { name: 'TOPICS', of: ({ topics }) => topics?.join(', ') ?? '' },
        ],
        'There are no agents. `troupe init` makes a first one.',
      )
    },
  },
  {
    name: 'topology draw',
    parameters: '[team]',
    description: 'Draw a team as a Mermaid diagram',
    async run(context, [team]) {
      const client = await opened(context, team)
      const drawn: { readonly team: string; readonly topology: unknown; readonly mermaid: string }[] = []
      for (const name of await namesOf(context, client, team)) {
        const { topology } = await client.call('teams.get', { path: { team: name } })
        drawn.push({ team: name, topology, mermaid: mermaidOf(topology as Topology) })
      }
      // One that was named is no list of one.
      context.out.document(team === undefined ? drawn : drawn[0])
      for (const { mermaid } of drawn) context.out.print(mermaid)
    },
  },
]

const arrows: Readonly<Record<string, string>> = {
  invoke: '-->',
  notify: '-.->',
  query: '-- query -->',
  stream: '== stream ==>',
}

export function mermaidOf({ nodes, edges }: Topology): string {
  const ids = new Map(nodes.map(({ name }, i) => [name, `n${i}`]))
  // Mermaid reads HTML entities in a quoted label, and no other escape.
  const label = (name: string) => `"${name.replace(/[^\p{L}\p{N} _.-]/gu, (sign) => `#${sign.codePointAt(0)};`)}"`
  const shape = ({ name, kind }: Topology['nodes'][number]) =>
    kind === 'start' || kind === 'end'
      ? `([${label(name)}])`
      : kind === 'user'
        ? `[/${label(name)}/]`
        : `[${label(name)}]`
  return [
    'flowchart LR',
    ...nodes.map((node) => `  ${ids.get(node.name)}${shape(node)}`),
    ...edges.map(({ from, to, type }) => `  ${ids.get(from)} ${arrows[type] ?? '-->'} ${ids.get(to)}`),
  ].join('\n')
}
