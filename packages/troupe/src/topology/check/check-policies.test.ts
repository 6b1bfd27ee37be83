import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../../agents/index.ts'
import { LlmAgent, type LlmAgentOptions } from '../../index.ts'
import { compileRules, type PolicyRule } from '../../security/index.ts'
import { defineTool } from '../../tools/index.ts'
import { readConfig } from '../canonical/run-config.ts'
import { defineTopology } from '../define-topology.ts'
import { checkTopology } from './check-topology.ts'

const page = defineTool({
  name: 'page',
  description: 'Reads.',
  inputSchema: z.object({}),
  effect: 'read',
  untrusted: 'web',
  execute: () => 'x',
})
const send = (options: object = {}) =>
  defineTool({
    name: 'send',
    description: 'Sends.',
    inputSchema: z.object({
      to: z.string(),
      parts: z.array(z.object({ text: z.string() })),
      more: z.record(z.string(), z.string()),
    }),
    execute: () => 'sent',
    ...options,
  } as never)
const clerk = (options: Partial<LlmAgentOptions> = {}) =>
  new LlmAgent({ name: 'Clerk', model: 'offline/extractive', tools: [page, send()], ...options })

function findings(
  agents: readonly object[],
  { team, troupe = [] }: { readonly team?: readonly PolicyRule[]; readonly troupe?: readonly PolicyRule[] } = {},
) {
  const form = { agents, flows: ['Start -> Clerk'] } as never
  const topology = defineTopology(form)
  const config = readConfig(team ? { policy: team } : {}, topology.canonical)
  return checkTopology(topology, config, { rules: compileRules(troupe, 'the troupe') }).filter(
    ({ code }) => code.startsWith('policy.') || code === 'taint.path',
  )
}
const rule = (when: string, more: Partial<PolicyRule> = {}): readonly PolicyRule[] => [
  { tool: 'send', when, do: 'ask', ...more },
]

describe('The check of a team', () => {
  it('The check of a team rejects a rule about a tool that its agents do not have, with the nearest name.', () => {
    const misspelt = rule('args.to is untrusted', { tool: 'sent' })
    const unknown = { code: 'policy.unknown', severity: 'error', remedy: 'Did you mean send?' }
    expect(findings([clerk()], { team: misspelt })).toContainEqual(expect.objectContaining(unknown))
    expect(findings([clerk({ policy: misspelt })])).toContainEqual(
      expect.objectContaining({ ...unknown, location: 'policy[0] of the agent Clerk' }),
    )
    const code = defineAgent({ name: 'Code', run: () => null })
    const team = { agents: [clerk(), code], flows: ['Start -> Clerk', 'Clerk -> Code'] } as never
    const config = readConfig({ policy: [{ tool: 'transfer_money', do: 'ask' }] })
    const seen = checkTopology(defineTopology(team), config).filter(({ code: found }) => found === 'policy.unknown')
    expect(seen).toMatchObject([{ severity: 'warning', remedy: expect.stringContaining('page, send') }])
    expect(findings([clerk()], { troupe: misspelt, team: rule('args.to is untrusted', { tool: 's*' }) })).toEqual([])
  })

  it.each([
    ['args.too is untrusted', 'args.too', 'Did you mean to?'],
    ['args.parts.0.txt is untrusted', 'args.parts.0.txt', 'Did you mean text?'],
    ["args.to is untrusted or args['x y'] has 'web'", 'args["x y"]', 'Name one of to, parts, more'],
  ])('The check of a team rejects a rule about an argument that its tool does not have: %s.', (when, path, remedy) => {
    for (const options of [{ team: rule(when) }, { troupe: rule(when) }])
      expect(findings([clerk()], options)).toContainEqual(
        expect.objectContaining({ severity: 'error', message: expect.stringContaining(path), remedy }),
      )
    const own = clerk({ tools: [send({ policy: [{ when, do: 'ask' }] })] })
    expect(findings([own])).toContainEqual(expect.objectContaining({ location: 'policy[0] of the tool send' }))
  })

  it.each(['args.parts.*.text is untrusted', 'args.more.any is untrusted', 'args.* is sensitive', "any arg has 'web'"])(
    'The check of a team accepts a rule about an argument that its tool has or may have: %s.',
    (when) => {
      expect(findings([clerk()], { team: rule(when) })).toEqual([])
    },
  )

  it('The check of a team reports calls that the policy always blocks or always asks about.', () => {
    expect(findings([clerk()], { team: [{ tool: 'send', do: 'block' }] })).toMatchObject([
      { code: 'policy.always', severity: 'warning', location: 'Clerk: send' },
    ])
    expect(findings([clerk()], { team: rule('args.to is untrusted or args.to is trusted') })).toMatchObject([
      { code: 'policy.always', severity: 'advice' },
    ])
    expect(
      findings([clerk()], { team: [...rule('args.to is trusted', { do: 'allow' }), { tool: 'send', do: 'block' }] }),
    ).toEqual([])
  })

  it('The check of a team warns of an external tool without a rule if an untrusted source is in the team.', () => {
    expect(findings([clerk()])).toMatchObject([{ code: 'taint.path', location: 'Clerk -> Clerk: send' }])
    expect(findings([clerk()], { troupe: rule('args.to is untrusted') })).toEqual([])
    expect(findings([clerk({ untrusted: 'hide' })])).toEqual([])
    expect(
      findings([clerk({ tools: [page, send({ policy: [{ when: 'args.to is untrusted', do: 'ask' }] })] })]),
    ).toEqual([])
    const lookup = send({ effect: 'read', capabilities: ['external'] })
    expect(findings([clerk({ tools: [page, lookup] })])).toMatchObject([{ code: 'taint.path' }])
  })
})

it('A run stores the rules of its team and of its caller separately.', () => {
  const rules = [{ tool: 'send', do: 'ask' }] as const
  const { canonical } = defineTopology({
    agents: [clerk()],
    flows: ['Start -> Clerk'],
    config: { policy: rules },
  } as never)
  const team = { of: 'the team', rules }
  expect(readConfig({}, canonical).policies).toEqual([team])
  expect(readConfig({ policy: [{ tool: 'send', do: 'block' }] }, canonical).policies).toEqual([
    team,
    { of: 'the run', rules: [{ tool: 'send', do: 'block' }] },
  ])
  expect(readConfig({}).policies).toBeUndefined()
  expect(() => readConfig({ policy: 'send' as never })).toThrow(/config\.policy/)
})
