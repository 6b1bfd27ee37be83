/**
 * Runs a team on scripted models in a troupe of its own: what a test of a workflow needs and nothing real. Invariant: no
 * agent of it asks a model that the test did not script.
 */
import { type Agent, definitionOf } from '../agents/index.ts'
import {
  type Clock,
  checkOptions,
  failure,
  nearest,
  type Random,
  seededRandom,
  type TroupeError,
} from '../core/index.ts'
import type { RunResult } from '../runs/index.ts'
import { createTroupe, LlmAgent } from '../startup/index.ts'
import { type CompiledTopology, defineTopology, type RunConfig, type TopologyForm } from '../topology/index.ts'
import { type MockItem, MockModel } from './mock-model.ts'

/** By agent: what its model says. */
export type MockResponses = Readonly<Record<string, readonly MockItem[] | MockModel>>

export interface TestWorkflow {
  readonly task: unknown
  readonly topology: TopologyForm | CompiledTopology
  /** Of every agent of the team whose model is asked; all of it must be used. */
  readonly mockResponses?: MockResponses
  readonly config?: RunConfig
  /** The machine's by default; chance is seeded. */
  readonly clock?: Clock
  readonly random?: Random
}

/** The result of the run, and the models that were asked. */
export type TestWorkflowResult = RunResult & { readonly models: Readonly<Record<string, MockModel>> }

const known = ['task', 'topology', 'mockResponses', 'config', 'clock', 'random']

/**
 * @throws ValidationError for responses of an agent that the team lacks, responses that nobody asked for, and calls for
 * which there were none
 * @example
 * const result = await executeTestWorkflow({
 *   task: 'Research quantum computing',
 *   topology: patterns.pipeline({ stages: [{ agents: [researcher] }] }),
 *   mockResponses: { Researcher: ['Qubits.'] },
 * })
 * expect(result.branchResults.every(({ success }) => success)).toBe(true)
 */
export async function executeTestWorkflow(workflow: TestWorkflow): Promise<TestWorkflowResult> {
  checkOptions('executeTestWorkflow', workflow, known)
  const { task, clock, random = seededRandom('test workflow'), config } = workflow
  const { topology, models } = onMocks(defineTopology(workflow.topology), workflow.mockResponses ?? {})
  await using troupe = await createTroupe({ storage: 'memory:', random, log: 'silent', ...(clock ? { clock } : {}) })
  const { orchestra } = troupe.user('test')
  const run = await orchestra.start({ task, topology, ...(config ? { config } : {}) })
  const result = await run.result()
  verify(models)
  return { ...result, models }
}

/** One error for all agents: what one left over is often what another lacked. */
function verify(models: Readonly<Record<string, MockModel>>): void {
  const problems = Object.entries(models).flatMap(([agent, model]) => {
    try {
      model.verify()
      return []
    } catch (error) {
      const { problem } = (error as TroupeError).details as { readonly problem: string }
      return [`of ${agent}, ${problem}`]
    }
  })
  if (problems.length > 0)
    throw failure('validation.failed', { what: 'The script of the workflow', problem: problems.join('; ') })
}

function onMocks(compiled: CompiledTopology, responses: MockResponses) {
  const models: Record<string, MockModel> = {}
  for (const name of Object.keys(responses))
    if (!(compiled.agents.get(name) instanceof LlmAgent)) {
      const names = [...compiled.agents.keys()]
      const near = nearest(name, names)
      const problem = `the team has no LlmAgent ${name}${near ? `; did you mean ${near}?` : `, only ${names.join(', ')}`}`
      throw failure('validation.failed', { what: 'mockResponses', problem })
    }
  const replaced = (agent: Agent): Agent => {
    if (!(agent instanceof LlmAgent)) return agent
    const scripted = responses[agent.name]
    // An agent that the test forgot must not find its way to a model that costs.
    const { chain } = definitionOf(agent)
    if (scripted === undefined && chain.length > 0 && chain.every(isHarmless)) return agent
    const model = scripted instanceof MockModel ? scripted : new MockModel({ responses: scripted ?? [] })
    models[agent.name] = model
    return agent.with({ model })
  }
  const agents = new Map([...compiled.agents].map(([name, agent]) => [name, replaced(agent)]))
  const topology: CompiledTopology = { canonical: compiled.canonical, agents, toJSON: () => compiled.toJSON() }
  return { topology, models }
}

const isHarmless = (model: unknown): boolean => model instanceof MockModel || model === 'offline/extractive'
