/**
 * Runs a team on scripted models in a troupe in memory. Invariant: no agent calls a model that the test did not script,
 * except for the offline model.
 */
import {
  type Clock,
  checkOptions,
  invalidInput,
  nearest,
  type Random,
  seededRandom,
  type TroupeError,
} from '../core/index.ts'
import type { RunResult } from '../runs/index.ts'
import { createTroupe, type LlmAgent } from '../startup/index.ts'
import { type CompiledTopology, defineTopology, type RunConfig, type TopologyForm } from '../topology/index.ts'
import { type MockItem, MockModel } from './mock-model.ts'
import { isHarmless, withScripts } from './with-scripts.ts'

/** The responses of the models, by the name of the agent. */
export type MockResponses = Readonly<Record<string, readonly MockItem[] | MockModel>>

/** The options of `executeTestWorkflow`. */
export interface TestWorkflow {
  /** The task of the run. */
  readonly task: unknown
  /** The team. */
  readonly topology: TopologyForm | CompiledTopology
  /**
   * The responses of each LlmAgent whose model is called, helpers of agents included; all of them must be used. An agent
   * without responses fails when its model is called.
   */
  readonly mockResponses?: MockResponses
  /** The configuration of the run. */
  readonly config?: RunConfig
  /** The clock; that of the machine by default. */
  readonly clock?: Clock
  /** The random numbers; seeded by default. */
  readonly random?: Random
}

/** The result of the run, and the models that were asked. */
export type TestWorkflowResult = RunResult & {
  /** The scripted models, by the name of the agent. */
  readonly models: Readonly<Record<string, MockModel>>
}

const known = ['task', 'topology', 'mockResponses', 'config', 'clock', 'random'] as const

/**
 * Runs a team on scripted models in a troupe in memory, and returns the result of the run.
 * @throws ValidationError for responses of an agent that the team lacks, responses that were not used, and calls without a
 * response
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

/** Reports all agents in one error, because the unused response of one is often the missing one of another. */
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
  if (problems.length > 0) throw invalidInput('The script of the workflow', problems.join('; '))
}

function onMocks(compiled: CompiledTopology, responses: MockResponses) {
  const models: Record<string, MockModel> = {}
  const names = new Set<string>()
  const scriptOf = (agent: LlmAgent): MockModel | undefined => {
    names.add(agent.name)
    const scripted = responses[agent.name]
    // An agent without a script must not call a model that costs money.
    if (scripted === undefined && isHarmless(agent)) return undefined
    const model = scripted instanceof MockModel ? scripted : new MockModel({ responses: scripted ?? [] })
    // Agents and helpers of one name share a script.
    models[agent.name] ??= model
    return models[agent.name]
  }
  const agents = new Map([...compiled.agents].map(([name, agent]) => [name, withScripts(agent, scriptOf)]))
  for (const name of Object.keys(responses))
    if (!names.has(name)) {
      const near = nearest(name, names)
      const problem = `the team has no LlmAgent ${name}${near ? `; did you mean ${near}?` : `, only ${[...names].join(', ') || 'other agents'}`}`
      throw invalidInput('mockResponses', problem)
    }
  const topology: CompiledTopology = { canonical: compiled.canonical, agents, toJSON: () => compiled.toJSON() }
  return { topology, models }
}
