/** How agents and teams are tested: on scripts in the place of models, whose every line has to be asked for. */
import { LlmAgent, patterns } from 'troupe'
import { AgentTestCase } from 'troupe/testing'
import { expect, it } from 'vitest'

const agent = (name: string, instructions: string) =>
  new LlmAgent({ name, instructions, model: 'anthropic/claude-haiku-4-5' })
const researcher = agent('Researcher', 'You find sources.')

it('The sample of a researcher test answers with its scripted responses.', async () => {
  await using test = await AgentTestCase.open()
  const mocked = test.mock(researcher, ['Research result 1', 'Research result 2'])
  const result = await test.run(mocked, 'Research AI trends')
  expect(result.success).toBe(true)
  expect(result.response).toContain('Research result')
  // A second line that nobody asked for would fail the test at its end.
  expect(await test.run(mocked, 'And then?')).toMatchObject({ response: 'Research result 2' })
})

it('The sample of a coordinator test researches in parallel.', async () => {
  await using test = await AgentTestCase.open()
  const topology = patterns.hubAndSpoke({
    hub: agent('Coordinator', 'You delegate.'),
    spokes: [researcher.with({ name: 'Researcher1' }), researcher.with({ name: 'Researcher2' })],
    parallelSpokes: true,
  })
  const both = ['Researcher1', 'Researcher2'].map((agent_name) => ({ agent_name, request: 'Look for qubits.' }))
  const result = await test.executeTestWorkflow({
    task: 'Research quantum computing',
    topology,
    mockResponses: {
      Coordinator: [
        { toolCalls: [{ name: 'invoke_agent', args: { invocations: both } }] },
        { toolCalls: [{ name: 'finish', args: { answer: 'Qubits are noisy.' } }] },
      ],
      Researcher1: ['They decohere.'],
      Researcher2: ['They are cold.'],
    },
  })
  expect(result.response).toBe('Qubits are noisy.')
  expect(result.totalSteps).toBeGreaterThanOrEqual(3)
  expect(result.branchResults.every(({ success }) => success)).toBe(true)
})
