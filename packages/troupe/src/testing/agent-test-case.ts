/** A troupe in memory for the tests of one suite: agents on scripted models, whose scripts are verified at the end. */
import type { RunOutcome } from '../agents/index.ts'
import type { TroupeConfig } from '../configuration/index.ts'
import { checkConstruct, construct, encodeJson, failure, isInstance, objectOf, seededRandom } from '../core/index.ts'
import { createTroupe, LlmAgent, type Troupe, type User } from '../startup/index.ts'
import { executeTestWorkflow, type TestWorkflow, type TestWorkflowResult } from './execute-test-workflow.ts'
import { type MockItem, MockModel } from './mock-model.ts'

/**
 * @example
 * await using test = await AgentTestCase.open()
 * const agent = test.mock(researcher, ['Research result 1'])
 * const result = await test.run(agent, 'Research AI trends')
 * expect(result.success).toBe(true)
 */
export class AgentTestCase implements AsyncDisposable {
  readonly troupe: Troupe
  readonly user: User
  readonly #models: MockModel[] = []

  private constructor(key: typeof construct, troupe: Troupe) {
    checkConstruct(key, 'AgentTestCase', 'AgentTestCase.open')
    this.troupe = troupe
    this.user = troupe.user('test')
  }

  /** @param config whatever `createTroupe` takes; memory storage, seeded chance and no log by default */
  static async open(config: Partial<TroupeConfig> = {}): Promise<AgentTestCase> {
    return new AgentTestCase(
      construct,
      await createTroupe({
        storage: 'memory:',
        random: seededRandom('agent test case'),
        log: 'silent',
        ...objectOf('The configuration', config),
      }),
    )
  }

  /** A copy of the agent whose model says these things; all of them must be asked for. */
  mock<Agent extends LlmAgent>(agent: Agent, responses: readonly MockItem[]): Agent {
    if (!isInstance(agent, LlmAgent))
      throw failure('validation.failed', { what: 'The agent of AgentTestCase.mock', problem: 'it is not an LlmAgent' })
    const model = new MockModel({ responses })
    this.#models.push(model)
    return agent.with({ model })
  }

  /** @returns `{ success, response, … }`, never throwing for what the agent failed with */
  async run(agent: LlmAgent, input: unknown): Promise<RunOutcome> {
    return this.user.session(agent).run(JSON.parse(encodeJson(input ?? null, 'The input of AgentTestCase.run')))
  }

  executeTestWorkflow(workflow: TestWorkflow): Promise<TestWorkflowResult> {
    return executeTestWorkflow(workflow)
  }

  /**
   * Closes the troupe.
   * @throws ValidationError for a script that was not used up, or a call for which there was none
   */
  async close(): Promise<void> {
    await this.troupe.close()
    for (const model of this.#models) model.verify()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
