/** A troupe in memory for one test: agents on scripted models, whose scripts are verified at the end. */
import { definitionOf, type RunOutcome, type SessionOutput } from '../agents/index.ts'
import type { TroupeConfig } from '../configuration/index.ts'
import { checkConstruct, construct, copyJson, invalidInput, isInstance, objectOf, seededRandom } from '../core/index.ts'
import { createTroupe, LlmAgent, type Troupe, type User } from '../startup/index.ts'
import { executeTestWorkflow, type TestWorkflow, type TestWorkflowResult } from './execute-test-workflow.ts'
import { type MockItem, MockModel } from './mock-model.ts'
import { isHarmless, withScripts } from './with-scripts.ts'

/**
 * A troupe in memory for one test, with the user `test`. Agents answer from scripts, which `close` verifies.
 * @example
 * await using test = await AgentTestCase.open()
 * const agent = test.mock(researcher, ['Research result 1'])
 * const result = await test.run(agent, 'Research AI trends')
 * expect(result.success).toBe(true)
 */
export class AgentTestCase implements AsyncDisposable {
  /** The troupe: in memory, with seeded random numbers and without a log unless `open` was given other options. */
  readonly troupe: Troupe
  /** The user `test` of the troupe. */
  readonly user: User
  readonly #models: MockModel[] = []

  private constructor(key: typeof construct, troupe: Troupe) {
    checkConstruct(key, 'AgentTestCase', 'AgentTestCase.open')
    this.troupe = troupe
    this.user = troupe.user('test')
  }

  /**
   * Opens a troupe for a test.
   * @param config options of `createTroupe`; by default memory storage, seeded random numbers and no log
   */
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

  /**
   * Returns a copy of the agent whose model gives these responses. `close` fails unless all of them are used. Helpers of the
   * agent that are not on a script fail when their models are called: `test.mock(lead.with({ agents: { helper:
   * test.mock(helper, […]) } }), […])` scripts both.
   * @throws ValidationError for an agent that is not an `LlmAgent`
   */
  mock<Agent extends LlmAgent>(agent: Agent, responses: readonly MockItem[]): Agent {
    if (!isInstance(agent, LlmAgent)) throw invalidInput('The agent of AgentTestCase.mock', 'it is not an LlmAgent')
    const script = (items: readonly MockItem[]) => {
      const model = new MockModel({ responses: items })
      this.#models.push(model)
      return model
    }
    const scriptOf = (one: LlmAgent) => {
      if (one === (agent as LlmAgent)) return script(responses)
      return definitionOf(one).chain.length === 0 || isHarmless(one) ? undefined : script([])
    }
    return withScripts(agent, scriptOf) as Agent
  }

  /**
   * Sends the input to the agent in a new session and returns the result. An error of the agent is part of the result.
   */
  async run<A extends LlmAgent>(agent: A, input: unknown): Promise<RunOutcome<SessionOutput<A>>> {
    return this.user.session(agent).run(copyJson(input ?? null, 'The input of AgentTestCase.run'))
  }

  /** As the function `executeTestWorkflow`, which opens its own troupe. */
  executeTestWorkflow(workflow: TestWorkflow): Promise<TestWorkflowResult> {
    return executeTestWorkflow(workflow)
  }

  /**
   * Closes the troupe and verifies the scripts.
   * @throws ValidationError for responses that were not used, or a call without a response
   */
  async close(): Promise<void> {
    await this.troupe.close()
    for (const model of this.#models) model.verify()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
