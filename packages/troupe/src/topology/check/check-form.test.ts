import { expect, it } from 'vitest'
import { z } from 'zod'
import { defineAgent, BaseLlmAgent as LlmAgent } from '../../agents/index.ts'
import { readConfig } from '../canonical/run-config.ts'
import { defineTopology, type TopologyForm } from '../define-topology.ts'
import { patterns } from '../patterns.ts'
import { checkTopology } from './check-topology.ts'

const model = (name: string, options: object = {}) =>
  new LlmAgent({ name, instructions: 'You write.', model: 'offline/extractive', ...options })
const codes = ['team.one_agent', 'team.unverified', 'hub.ambiguous']
function adviceOf(form: TopologyForm) {
  const compiled = defineTopology(form)
  return checkTopology(compiled, readConfig({}, compiled.canonical)).filter(({ code }) => codes.includes(code))
}
const codesOf = (form: TopologyForm) => adviceOf(form).map(({ code }) => code)
const line = (...agents: (LlmAgent | ReturnType<typeof defineAgent>)[]) =>
  patterns.pipeline({ stages: agents.map((agent) => ({ agents: [agent] })) })

it('The check of a topology advises one agent if models with equal rights and no tools work one after the other.', () => {
  const found = adviceOf(line(model('Plan'), model('Write')))
  expect(found.map(({ code }) => code)).toEqual(['team.one_agent', 'team.unverified'])
  for (const { severity, message } of found)
    expect([severity, message]).toEqual(['advice', expect.stringContaining('2512.08296')])
  expect(codesOf(line(model('Plan'), model('Write', { output: z.object({}) })))).toEqual(['team.unverified'])
  expect(codesOf(line(model('Plan'), model('Write', { model: 'openai/gpt-5' })))).toEqual(['team.unverified'])
  expect(codesOf(line(model('Plan'), model('Write', { role: 'readonly' })))).toEqual(['team.unverified'])
})

it('The check of a topology advises a verifier if several models work and none of them checks.', () => {
  const hub = (...spokes: LlmAgent[]) => patterns.hubAndSpoke({ hub: model('Lead'), spokes })
  expect(codesOf(hub(model('Left'), model('Right')))).toEqual(['team.unverified'])
  expect(codesOf(hub(model('Left'), model('Reviewer')))).toEqual([])
  expect(codesOf(hub(model('Left', { instructions: 'You verify each number.' })))).toEqual([])
  expect(codesOf(patterns.loop({ body: model('Left'), check: model('Right') }))).toEqual([])
  const test = defineAgent({ name: 'Test', run: () => null })
  expect(codesOf(line(model('Plan'), model('Write', { role: 'readonly' }), test))).toEqual([])
  expect(codesOf(line(model('Alone')))).toEqual([])
})

it('The check of a topology advises against a model whose text has several targets.', () => {
  const agents = [model('Lead'), model('Left'), model('Checker')]
  const flows = ['Start -> Lead', 'Lead -> Left', 'Lead -> Checker', 'Left -> End', 'Checker -> End']
  expect(adviceOf({ agents, flows })).toMatchObject([
    { code: 'hub.ambiguous', severity: 'advice', location: 'Lead', message: expect.stringContaining('Left, Checker') },
  ])
  expect(codesOf({ agents, flows: ['Start -> Lead', 'Lead <-> Left', 'Lead <-> Checker', 'Lead -> End'] })).toEqual([])
})
