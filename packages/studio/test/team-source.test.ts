/** Teams as YAML and as TypeScript: the command line and the compiler read them as the topologies that they were. */
import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import {
  createTroupe,
  defineAgent,
  type defineConfig,
  defineTool,
  defineTopology,
  LlmAgent,
  patterns,
  type TopologyForm,
  type Troupe,
} from 'troupe'
import { createClient } from 'troupe/client'
import { type Served, serve } from 'troupe/server'
import { builtInTools } from 'troupe/tools'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { definedAgents, type SavedTeam } from '../src/team-source/saved-team.ts'
import { teamAsTypeScript } from '../src/team-source/team-as-typescript.ts'
import { teamAsYaml } from '../src/team-source/team-as-yaml.ts'

const root = join(import.meta.dirname, '../../..')
const instructions = `Read \`it\`:\n  - yes: \${no} # "quoted" \\n\n*/ 'end'\u2028\u202e\r\n`
const model = (name: string) =>
  new LlmAgent({ name, instructions, description: `- ${name}: #1`, model: 'offline/extractive' })

const [a, b, c, d] = [model('Lead'), model('West'), model('East'), model('Last')]
const hostileNames = [
  'yes',
  '- dash',
  'a: b #c',
  `it's "quoted" \\`,
  `*/ \${x} \`b\``,
  'line\nbreak',
  'separator\u2028line',
  'ünï 🎭 名',
  'true',
  '1e3',
  'constructor',
  'delete',
  '\u202ereversed',
]
const [hostile, ...others] = hostileNames.map(model) as [LlmAgent, ...LlmAgent[]]
// A flow would read the braces as its own.
const inFlows = others.filter(({ name }) => !name.includes('{'))

const search = defineTool({
  name: 'search',
  description: `Searches what's \`there\` */ \${now}.`,
  inputSchema: z.object({ q: z.string() }),
  effect: 'read',
  needsApproval: ({ q }) => q === 'all',
  execute: async () => 'found',
})
const clerk = new LlmAgent({
  name: 'Clerk',
  instructions: () => 'Written by code.',
  model: ['offline/extractive', 'offline/extractive'],
  tools: { search, ...builtInTools('get_context', 'list_context') },
  output: z.object({ total: z.number() }),
  memory: { compaction: { at: 0.5, by: 'rules' }, pinned: ['yes', '# no'] },
  settings: { temperature: 0, maxTurns: 3 },
  policy: [{ tool: 'get_context', when: 'args.key is untrusted', do: 'ask', reason: "It's secret: no #1" }],
  untrusted: 'hide',
  handOff: { history: 'summary' },
  role: 'contributor',
  deny: ['delete_context'],
})
const reader = defineAgent({ name: 'Reader', description: 'Reads.', role: 'readonly', run: async () => 'read' })
const config = { budget: { steps: 20, time: '5m' }, onError: { '*': { agent: 'West' } } } as const
const rules = [{ tool: '*', when: 'any arg is untrusted', do: 'ask' }] as const

const ofPatterns: Readonly<Record<keyof typeof patterns, TopologyForm>> = {
  pipeline: patterns.pipeline({
    stages: [{ agents: [a] }, { agents: [b, c], parallel: true }, { agents: [a] }, { agents: [d] }] as never,
  }),
  hubAndSpoke: patterns.hubAndSpoke({ hub: a, spokes: [b, c], config: { ...config, policy: rules } }),
  hierarchical: patterns.hierarchical({ root: a, tree: { Lead: [b, c], West: [d] } }),
  mesh: patterns.mesh({ agents: [a, b, c], entry: c }),
  star: patterns.star({ center: a, points: [b, c, d] }),
  ring: patterns.ring({ agents: [a, b, c], rounds: 3 }),
  broadcast: patterns.broadcast({ broadcaster: a, receivers: [b, c], allowReplies: true }),
  supervisor: patterns.supervisor({ supervisor: a, workers: [b, c], config }),
  swarm: patterns.swarm({ agents: [a, b] }),
  router: patterns.router({ routes: { bug: b, 'a question': c }, by: 'kind' }),
  mapReduce: patterns.mapReduce({ map: a, reduce: b, split: (text: string) => text.split('\n') }),
  vote: patterns.vote({ voters: [a, b, b], quorum: 2 }),
  blackboard: patterns.blackboard({ agents: [a, b], until: () => true }),
  planAndExecute: patterns.planAndExecute({ planner: a, executor: b }),
  loop: patterns.loop({ body: a, check: b, max: 3 }),
}
const withRoles: readonly string[] = ['router', 'mapReduce', 'vote', 'blackboard', 'planAndExecute', 'loop']

const free: Readonly<Record<string, TopologyForm>> = {
  'joins and conditions': {
    agents: [a, b, c, clerk, reader],
    flows: [
      'Start -> Lead',
      'Lead => {West, East}',
      'West -> Clerk',
      'East -> Clerk',
      'West <~> East',
      'Lead <-> Reader',
      'Clerk -> User',
      'User -> Clerk',
      'Clerk -> Reader',
      'Clerk -> End',
    ],
    nodes: { Clerk: { join: { quorum: 1 }, deadline: '1500ms', onFailure: 'continue' }, West: { limit: 2 } },
    edges: {
      'Clerk -> Reader': { type: 'notify', when: { path: 'kind', in: ['yes', null, { a: '# b' }] }, limit: 3 },
      'West <~> East': { maxTurns: 4 },
    },
    config: { ...config, policy: rules },
  },
  'hostile names': { agents: [hostile, ...inFlows], flows: inFlows.map(({ name }) => `${hostile.name} -> ${name}`) },
  'yes: #"a"': patterns.star({ center: hostile, points: others }),
}
const nested: TopologyForm = {
  agents: [a, { name: 'Team', topology: patterns.blackboard({ agents: [b, c], until: () => true }) }],
  flows: ['Lead <-> Team', 'Lead -> End'],
}
const arrows: TopologyForm = {
  nodes: ['a -> b', '{c}'].map((name) => ({ name, agent: model(name) })),
  edges: [{ from: 'a -> b', to: '{c}', when: { path: 'kind', exists: true } }],
}

const teams: Readonly<Record<string, TopologyForm>> = { ...ofPatterns, ...free, nested, arrows }

describe('A saved team', () => {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-saved-'))
  let troupe: Troupe
  let server: Served
  const saved = new Map<string, SavedTeam>()

  beforeAll(async () => {
    troupe = await createTroupe({ storage: 'memory:', log: 'silent', teams })
    server = await serve(troupe, { port: 0 })
    const client = createClient({ url: server.url })
    for (const name of Object.keys(teams)) {
      const { topology } = await client.call('teams.get', { path: { team: name } })
      const canonical = topology as SavedTeam['topology']
      const agents = definedAgents(canonical)
      const found = agents.map(async (agent) => [agent, await client.call('agents.get', { path: { agent } })] as const)
      saved.set(name, { name, topology: canonical, definitions: new Map(await Promise.all(found)) })
    }
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  })
  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true })
    await server.close()
    await troupe.close()
  })

  const team = (name: string) => saved.get(name) ?? expect.fail(name)
  const drawn = async (name: string, text: string) => {
    const path = join(folder, name)
    writeFileSync(path, text)
    const program = join(root, 'packages/troupe/bin/troupe.js')
    const { stdout } = await promisify(execFile)(process.execPath, [program, 'topology', 'draw', path, '--json'], {
      cwd: folder,
    })
    return JSON.parse(stdout)
  }

  const inFiles = Object.keys(teams).filter((name) => !['nested', 'arrows', ...withRoles].includes(name))
  test.each(inFiles)('The command line reads the team %j that is saved as YAML as the same topology.', async (name) => {
    const { topology } = team(name)
    const file = `${inFiles.indexOf(name)}.team.yaml`
    expect(await drawn(file, teamAsYaml(team(name)))).toMatchObject({ team: name, topology })
  })

  test('Each team that is saved as TypeScript compiles, and is the same topology.', async () => {
    const files = new Map([...saved.keys()].map((name, i) => [name, `team-${i}.ts`]))
    for (const [name, file] of files) writeFileSync(join(folder, file), teamAsTypeScript(team(name)))
    const settings = { extends: join(root, 'tsconfig.base.json'), compilerOptions: { noEmit: true }, include: ['*.ts'] }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings))
    const compiler = join(root, 'node_modules/typescript/bin/tsc')
    const compile = () => execFileSync(process.execPath, [compiler, '-p', folder], { encoding: 'utf8', stdio: 'pipe' })
    expect(compile).not.toThrow()
    for (const [name, file] of files) {
      const loaded = await import(pathToFileURL(join(folder, file)).href)
      const { teams: found } = loaded.default as ReturnType<typeof defineConfig>
      const form = found?.[name] ?? expect.fail(`${name} is missing`)
      expect(defineTopology(form as TopologyForm).toJSON(), name).toEqual(team(name).topology)
    }
  })

  test('The options of agents are the same after both formats.', async () => {
    const file = join(folder, 'options.ts')
    writeFileSync(file, teamAsTypeScript(team('joins and conditions')))
    const { default: loaded } = await import(pathToFileURL(file).href)
    const { agents } = defineTopology(loaded.teams['joins and conditions'])
    for (const agent of [a, b, c]) expect(agents.get(agent.name)?.fingerprint).toBe(agent.fingerprint)
    const yaml = teamAsYaml(team('joins and conditions'))
    for (const version of ['1.1', '1.2'] as const) {
      const { agents: read } = parse(yaml, { version })
      expect(read.Lead).toEqual({ instructions, description: '- Lead: #1', model: 'offline/extractive' })
      expect(read.Clerk).toEqual({
        instructions: '',
        model: ['offline/extractive', 'offline/extractive'],
        tools: ['get_context', 'list_context'],
        role: 'contributor',
        deny: ['delete_context'],
        memory: { compaction: { at: 0.5, by: 'rules' }, pinned: ['yes', '# no'] },
        settings: { temperature: 0, maxTurns: 3 },
        policy: [{ tool: 'get_context', when: 'args.key is untrusted', do: 'ask', reason: "It's secret: no #1" }],
        untrusted: 'hide',
      })
    }
  })

  test('Each part that the server does not show, or that the format cannot have, is a comment.', () => {
    const written = [teamAsYaml, teamAsTypeScript].map((write) => write(team('joins and conditions')))
    for (const text of written) {
      expect(text).toContain("The code of the agent 'Reader' is yours.")
      expect(text).toContain("The code of the tool 'search' is yours")
      expect(text).toContain("The code that writes the instructions of the agent 'Clerk' is yours.")
      expect(text).toContain("The option 'output' of the agent 'Clerk' holds code or an address, and is yours.")
    }
    expect(written[0]).toContain(`The option 'handOff' is {"history":"summary"}, which a team file cannot have.`)
    expect(teamAsTypeScript(team('mapReduce'))).toContain('// The code of `split` is yours.')
    expect(teamAsYaml(team('mapReduce'))).toContain("# The node 'Split' is built in")
    expect(teamAsYaml(team('nested'))).toContain("# An invocation from 'Lead' to 'Team/Board' returns")
    expect(teamAsTypeScript(team('nested'))).toContain("// The code of the built-in agent 'Team/Board' is yours")
    expect(teamAsYaml(team('arrows'))).toContain("# The edge from 'a -> b' to '{c}' is missing")
    const unread = teamAsTypeScript({ ...team('star'), definitions: new Map() })
    expect(unread).toContain("// The definition of the agent 'Lead' is yours: the server does not show it.")
  })

  test('Characters that cannot be seen are escaped, and end no line.', () => {
    for (const write of [teamAsYaml, teamAsTypeScript])
      for (const name of ['hostile names', 'joins and conditions'])
        expect(write(team(name))).not.toMatch(/[\u2028\u202e\r]/)
  })
})
