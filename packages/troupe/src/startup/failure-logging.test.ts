import { expect, it } from 'vitest'
import { z } from 'zod'
import { createTroupe, defineAgent, defineTool, LlmAgent, patterns, type TroupeConfig } from '../index.ts'
import { MockModel } from '../testing/index.ts'

/** What is logged of an agent and of a tool that throw, a planted secret in the message of one. */
async function logged(config: Partial<TroupeConfig>): Promise<readonly string[]> {
  const lines: string[] = []
  const log = { format: 'json' as const, destination: { write: (line: string) => lines.push(line) } }
  const models = { apiKey: 'planted-secret' }
  await using troupe = await createTroupe({ storage: 'memory:', log, models, ...config })
  const ada = troupe.user('ada')
  const broken = defineAgent({
    name: 'Broken',
    run: async function deepInTheAgent() {
      throw new Error('the agent broke over planted-secret', { cause: new Error('because of this') })
    },
  })
  await ada.orchestra.run({ task: 't', topology: patterns.pipeline({ stages: [{ agents: [broken] }] }) })
  const failing = defineTool({
    name: 'failing',
    description: 'fails',
    inputSchema: z.object({}),
    effect: 'read',
    execute: async function deepInTheTool() {
      throw new Error('the tool broke')
    },
  })
  const model = new MockModel({ responses: [{ toolCalls: [{ name: 'failing' }] }, 'so be it'] })
  await ada.session(new LlmAgent({ name: 'A', instructions: 'i', model, tools: [failing] })).chat('go')
  expect((await ada.traces.list()).length).toBeGreaterThan(0)
  return lines
}

it('A failing agent, run and tool are a line each at level error by default, with ids, stack and causes.', async () => {
  const lines = await logged({})
  const found = lines.map((line) => JSON.parse(line)).filter(({ level }) => level === 50)
  expect(found.map(({ msg }) => msg)).toEqual(['an agent failed', 'a run failed', 'a tool failed'])
  const [agent, run, tool] = found
  const { errorId } = agent
  expect(errorId).toMatch(/^err_/)
  expect(agent).toMatchObject({ agent: 'Broken', userId: 'ada', runId: expect.any(String), stepId: expect.any(String) })
  expect(agent.trace).toMatch(/^[0-9a-f]{32}$/)
  expect(agent.err.stack).toContain('deepInTheAgent')
  expect(agent.err.stack).toContain('because of this')
  expect(run).toMatchObject({ runId: agent.runId, errorId })
  expect(tool).toMatchObject({ tool: 'failing', agent: 'A', err: { stack: expect.stringContaining('deepInTheTool') } })
  expect(lines.join('')).not.toContain('planted-secret')
})

it('The trace of a run that failed has the id of its error.', async () => {
  await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  const ada = troupe.user('ada')
  const broken = defineAgent({ name: 'Broken', run: () => Promise.reject(new Error('it broke')) })
  const topology = patterns.pipeline({ stages: [{ agents: [broken] }] })
  const { error } = await ada.orchestra.run({ task: 't', topology, id: 'r' })
  const [found] = await ada.traces.list()
  const trace = await ada.traces.get(found?.traceId ?? '')
  expect(JSON.stringify(trace)).toContain(`"troupe.error.id":"${error?.errorId}"`)
})

it('The option `debug` is rejected in production, and if traces are off.', async () => {
  const storage = 'memory:'
  await expect(createTroupe({ storage, debug: true, traces: false })).rejects.toMatchObject({
    code: 'validation.failed',
    message: expect.stringContaining('traces'),
  })
  const error: unknown = await createTroupe({ storage, debug: true, profile: 'production' }).catch((thrown) => thrown)
  expect(JSON.stringify((error as { readonly details: unknown }).details)).toContain('debug')
})
