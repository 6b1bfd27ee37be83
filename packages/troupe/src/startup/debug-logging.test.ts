import { expect, it } from 'vitest'
import { z } from 'zod'
import { createTroupe, defineAgent, defineTool, LlmAgent, patterns, type TroupeConfig } from '../index.ts'
import { MockModel } from '../testing/index.ts'

/** What is logged of an agent and of a tool that throw, a planted secret in the message of one. */
async function logged(config: Partial<TroupeConfig>): Promise<string> {
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
  return lines.join('')
}

it('with debug the log has causes and stacks of what agents and tools throw, without it neither', async () => {
  const debugged = await logged({ debug: true })
  for (const text of ['deepInTheAgent', 'because of this', 'deepInTheTool', '"agent":"Broken"'])
    expect(debugged).toContain(text)
  expect(debugged).not.toContain('planted-secret')
  const usual = await logged({})
  expect(usual).not.toContain('deepIn')
})

it('debug is refused in production, and where traces are off', async () => {
  const storage = 'memory:'
  await expect(createTroupe({ storage, debug: true, traces: false })).rejects.toMatchObject({
    code: 'validation.failed',
    message: expect.stringContaining('traces'),
  })
  const error: unknown = await createTroupe({ storage, debug: true, profile: 'production' }).catch((thrown) => thrown)
  expect(JSON.stringify((error as { readonly details: unknown }).details)).toContain('debug')
})
