import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { defineTopology } from '../../topology/index.ts'
import { readTeamFile } from './team-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'troupe-team-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const agents = `agents:
  Lead: { instructions: Leads., tools: [get_context], role: readonly }
  Left: { instructions: Works. }
  Right: { instructions: Works., model: [offline/extractive], settings: { maxOutputTokens: 100 } }
`
const edgesOf = async (path: string) => {
  const { topology } = await readTeamFile(path)
  return defineTopology(topology).canonical.edges.map(({ from, to }) => `${from}>${to}`)
}

describe('the file of a team', () => {
  it('The file of a team defines it by flows, by a pattern, or as a sequence of agents.', async () => {
    const flows = file('flows.yaml', `name: news\n${agents}flows: ['Lead => {Left, Right}', '{Left, Right} -> End']\n`)
    const { name, agents: made } = await readTeamFile(flows)
    expect([name, ...made.map((agent) => agent.name)]).toEqual(['news', 'Lead', 'Left', 'Right'])
    expect(await edgesOf(flows)).toEqual(expect.arrayContaining(['Lead>Left', 'Lead>Right', 'Left>End']))
    const hub = file('hub.yml', `${agents}pattern:\n  hubAndSpoke: { hub: Lead, spokes: [Left, Right] }\n`)
    expect(await edgesOf(hub)).toEqual(expect.arrayContaining(['Lead>Left', 'Left>Lead']))
    const row = file(
      'row.json',
      `\uFEFF${JSON.stringify({ agents: { A: { instructions: 'x' }, B: { instructions: 'y' } } })}`,
    )
    expect((await readTeamFile(row)).name).toBe('row')
    expect(await edgesOf(row)).toEqual(expect.arrayContaining(['A>B']))
  })

  it('The file of a team gives options to nodes and flows, and a run configuration to flows or a pattern.', async () => {
    const options = `flows: ['Lead -> Left', 'Lead -> Right']
nodes: { Left: { join: any, deadline: 30s } }
edges: { 'Lead -> Right': { when: { path: kind, equals: bug } } }
`
    const config = "config: { onError: { '*': { agent: Right } } }\n"
    const flows = await readTeamFile(file('options.yaml', agents + options + config))
    const { canonical } = defineTopology(flows.topology)
    expect(canonical.nodes).toContainEqual({
      name: 'Left',
      kind: 'agent',
      agent: 'Left',
      join: 'any',
      deadline: 30_000,
    })
    expect(canonical.edges).toContainEqual({
      from: 'Lead',
      to: 'Right',
      type: 'invoke',
      when: { path: 'kind', equals: 'bug' },
    })
    const star = await readTeamFile(
      file('configured.yaml', `${agents}pattern: { star: { center: Lead, points: [Left, Right] } }\n${config}`),
    )
    for (const { topology } of [flows, star])
      expect(defineTopology(topology).canonical.config).toEqual({ onError: { '*': { agent: 'Right' } } })
  })

  it('The file of a team declares a policy for the team and its agents.', async () => {
    const rules = '[{ tool: get_context, when: args.key is untrusted, do: ask }]'
    const text = `agents: { A: { instructions: x, tools: [get_context], untrusted: hide, policy: ${rules} } }\npolicy: ${rules}\n`
    const { topology } = await readTeamFile(file('policy.yaml', text))
    expect(defineTopology(topology).canonical.config).toEqual({
      policy: [{ tool: 'get_context', when: 'args.key is untrusted', do: 'ask' }],
    })
  })

  it.each([
    [
      'a condition that cannot be read',
      'k.yaml',
      `${agents}policy: [{ tool: get_context, when: args.key iz trusted, do: ask }]\n`,
      /The policy of .*k\.yaml is wrong: .*at character 10/,
    ],
    [
      'a condition of an agent that cannot be read',
      'l.yaml',
      'agents: { A: { instructions: x, policy: [{ tool: a, when: call, do: ask }] } }',
      /The agent A of .*l\.yaml is wrong: .*at character 5/,
    ],
    ['an unknown word', 'a.yaml', `${agents}flow: []\n`, /flow is unknown; did you mean flows\?/],
    [
      'an unknown word of an agent',
      'f.yaml',
      'agents: { A: { modle: x, instructions: y } }',
      /agents\.A: modle.*model\?/,
    ],
    ['an unknown pattern', 'g.yaml', `${agents}pattern: { hubAndSpok: {} }\n`, /pattern: hubAndSpok.*hubAndSpoke\?/],
    [
      'a pattern of an agent that is not there',
      'h.yaml',
      `${agents}pattern: { hubAndSpoke: { hub: Leed, spokes: [Left] } }\n`,
      /h\.yaml has no agent Leed; did you mean Lead\?/,
    ],
    [
      'an unknown tool',
      'i.yaml',
      'agents: { A: { instructions: y, tools: [get_contxt] } }',
      /agent A of .*i\.yaml.*get_contxt/,
    ],
    ['no agent', 'j.yaml', 'agents: {}', /one agent at least/],
    [
      'a wrong setting of an agent',
      'b.yaml',
      'agents: { A: { instructions: x, settings: { maxTurns: 0 } } }',
      /maxTurns/,
    ],
    ['flows and a pattern', 'c.yaml', `${agents}flows: [Lead -> Left]\npattern: { mesh: {} }\n`, /flows and a pattern/],
    ['options of flows without flows', 'm.yaml', `${agents}nodes: { Left: { join: any } }\n`, /no flows/],
    ['what is not YAML', 'd.yaml', 'agents: [', /is not YAML/],
    ['what is not JSON', 'e.json', '{', /is not JSON/],
  ])('The file of a team with %s is rejected with what is wrong.', async (_, name, text, problem) => {
    await expect(readTeamFile(file(name, text))).rejects.toMatchObject({
      exit: 2,
      message: expect.stringMatching(problem),
    })
  })

  it('The file of a team that is missing is rejected.', async () => {
    await expect(readTeamFile(join(folder, 'none.yaml'))).rejects.toMatchObject({ exit: 2 })
  })

  it('The team file in the guide is valid.', async () => {
    const guide = readFileSync(new URL('../../../../../docs/cli.md', import.meta.url), 'utf8')
    const yaml = /```yaml\n(.*?)```/s.exec(guide)?.[1] ?? ''
    expect((await readTeamFile(file('guide.yaml', yaml))).agents.length).toBeGreaterThan(1)
  })
})
