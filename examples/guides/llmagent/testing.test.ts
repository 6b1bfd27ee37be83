/** The guide's test classes: an agent alone, a team, and messages between agents. */
import { defineAgent, defineMessage, defineTool, LlmAgent, ProcessingError, patterns, ValidationError } from 'troupe'
import { AgentTestCase, executeTestWorkflow } from 'troupe/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { ResearchAgent } from './research-agent.ts'

let test: AgentTestCase
beforeEach(async () => {
  test = await AgentTestCase.open()
})
afterEach(() => test.close())

describe('my agent', () => {
  const externalApiCall = vi.fn(async (_: string): Promise<{ result: string }> => ({ result: 'success' }))
  const testTool = defineTool({
    name: 'test_tool',
    description: 'Calls the service.',
    inputSchema: z.object({ input: z.string() }),
    execute: ({ input }) => externalApiCall(input),
  })
  const agent = new LlmAgent({ name: 'TestAgent', tools: [testTool] })
  const session = (...responses: string[]) => test.user.session(test.mock(agent, responses))
  beforeEach(() => externalApiCall.mockClear())

  it('The sample of an agent test chats with a scripted model.', async () => {
    expect(await session('Hello, how can I help?').chat('Hello')).toMatch(/help/)
  })

  it('The sample of an agent test calls a tool.', async () => {
    expect(await session().executeTool('test_tool', { input: 'test' })).toEqual({ result: 'success' })
    expect(externalApiCall).toHaveBeenCalledExactlyOnceWith('test')
  })

  it('The sample of an agent test sees the type of a failure.', async () => {
    externalApiCall.mockRejectedValueOnce(new Error('API Error'))
    await expect(session().executeTool('test_tool', { input: 'test' })).rejects.toThrow(ProcessingError)
  })

  it('The sample of an agent test rejects invalid input before the code of the agent.', async () => {
    const strict = defineAgent({
      name: 'Strict',
      inputSchema: z.object({ action: z.string(), valid: z.string() }),
      run: ({ action }) => action,
    })
    const ask = (input: { readonly [field: string]: string }) => test.user.session(strict).generate(input)
    await expect(ask({ invalid: 'data' })).rejects.toThrow(ValidationError)
    expect((await ask({ valid: 'data', action: 'test' })).output).toBe('test')
  })
})

describe('agents together', () => {
  it('The sample of a workflow test runs several agents on scripted models.', async () => {
    const researcher = new ResearchAgent('Researcher', { search: async () => ['A source. And more.'] })
    const analyst = new LlmAgent({ name: 'Analyst' })
    const result = await executeTestWorkflow({
      task: 'Test project',
      topology: patterns.pipeline({ stages: [{ agents: [researcher] }, { agents: [analyst] }] }),
      mockResponses: {
        Researcher: [{ toolCalls: [{ name: 'search', args: { query: 'test' } }] }, 'One source.'],
        Analyst: ['It is enough.'],
      },
    })
    expect(result).toMatchObject({ success: true, response: 'It is enough.', totalSteps: 2 })
    expect(result.branchResults.every(({ success }) => success)).toBe(true)
    expect(JSON.stringify(result.models.Researcher?.calls[1]?.prompt)).toContain('A source.')
  })

  it('The sample of a message test receives what another agent sent.', async () => {
    const Data = defineMessage('data', z.object({ content: z.string() }))
    const message = await test.user.agent('Research').messages.send(Data, { content: 'test data' }, { to: 'Analysis' })
    expect(message).toMatchObject({ from: 'Research', to: 'Analysis' })
    const [delivery] = await test.user.agent('Analysis').mailbox.receive({ types: [Data] })
    expect(delivery?.message.payload).toEqual({ content: 'test data' })
    await delivery?.ack()
  })
})
