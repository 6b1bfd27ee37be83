import { expect, it } from 'vitest'
import { createVirtualClock } from '../../core/index.ts'
import { createTroupe, defineAgent } from '../../index.ts'
import { readConfig } from '../../topology/index.ts'
import { executionConfig } from './index.ts'

it('executionConfig gives each name of the guides its meaning, in both spellings.', () => {
  const camel = executionConfig({
    allowParallel: true,
    maxParallelBranches: 10,
    maxSteps: 100,
    convergenceTimeout: 60,
    branchTimeout: 600,
    agentAcquisitionTimeout: '240s',
    stepTimeout: 0.5,
    toolExecutionTimeout: 120,
    userInteractionTimeout: 300,
    convergencePolicy: 'majority',
    autoRetryOnError: true,
    errorRoutingEnabled: true,
    status: { verbosity: 2, showAgentThoughts: false, showToolCalls: true },
    tracing: { enabled: true },
  })
  expect(camel).toEqual({
    allowParallel: true,
    maxParallelBranches: 10,
    budget: { steps: 100 },
    deadline: '1m',
    timeouts: { branch: '10m', acquisition: '4m', step: '500ms', tool: '2m', human: '5m' },
    join: { ratio: 0.51 },
    onFailure: 'failFast',
    onError: { '*': { retry: { attempts: 3, backoff: '1s' }, ask: true } },
    verbosity: 'verbose',
    showAgentThoughts: false,
    showToolCalls: true,
    trace: true,
  })
  const snake = executionConfig({
    allow_parallel: true,
    max_parallel_branches: 10,
    max_steps: 100,
    convergence_timeout: 60,
    branch_timeout: 600,
    agent_acquisition_timeout: '240s',
    step_timeout: 0.5,
    tool_execution_timeout: 120,
    user_interaction_timeout: 300,
    convergence_policy: 'majority',
    auto_retry_on_error: true,
    error_routing_enabled: true,
    status: { verbosity: 2, show_agent_thoughts: false, show_tool_calls: true },
    tracing: { enabled: true },
  })
  expect(snake).toEqual(camel)
  expect(() => readConfig(camel)).not.toThrow()
})

it.each([
  [{}, {}],
  [{ convergencePolicy: 1 }, { join: 'all', onFailure: 'failFast' }],
  [{ convergencePolicy: 0.5 }, { join: { ratio: 0.5 }, onFailure: 'failFast' }],
  [{ convergencePolicy: 'any' }, { join: 'all', onFailure: 'collect' }],
  [{ convergencePolicy: 'user' }, { join: { ratio: 0.67 }, onFailure: 'ask' }],
  [
    { convergencePolicy: { min_ratio: 0.8, on_insufficient: 'proceed' } },
    { join: { ratio: 0.8 }, onFailure: 'collect' },
  ],
  [{ errorRoutingEnabled: true }, { onError: { '*': 'ask' } }],
  [{ autoRetryOnError: false, errorRoutingEnabled: false }, {}],
  [
    { autoRetryOnError: true, errorHandling: { maxRetries: 5, baseDelay: 2 } },
    { onError: { '*': { retry: { attempts: 5, backoff: '2s' } } } },
  ],
  [{ status: { enabled: false } }, { verbosity: 'quiet' }],
  [{ status: { verbosity: 0, showThoughts: true } }, { verbosity: 'quiet', showAgentThoughts: true }],
] as const)('executionConfig reads the options %j.', (options, config) =>
  expect(executionConfig(options)).toEqual(config),
)

it.each([
  [{ autoRetryOnErrors: true }, /autoRetryOnError/],
  [{ steering_mode: 'always' }, /steeringMode has no counterpart/],
  [{ allow_parallel: true, allowParallel: true }, /both spellings/],
  [{ status: { show_agent_thoughts: true, show_thoughts: false } }, /showThoughts and showAgentThoughts/],
  [{ convergenceTimeout: 0 }, /seconds above zero/],
  [{ convergencePolicy: 'most' }, /strict, fail, majority/],
  [{ convergencePolicy: 2 }, /between 0 and 1/],
  [{ convergencePolicy: { minRatio: 0.5, onInsufficient: 'wait' } }, /proceed, fail, user/],
  [{ errorHandling: { maxRetries: 2 } }, /set autoRetryOnError/],
  [{ autoRetryOnError: 'yes' }, /true or false/],
  [{ status: { enabled: false, verbosity: 2 } }, /not enabled/],
  [{ status: { cliColors: true } }, /status/],
  ['auto', /must be an object/],
])('executionConfig rejects the options %j.', (options, problem) =>
  expect(() => executionConfig(options as never)).toThrow(problem),
)

it('executionConfig with error recovery tries a step three times, then asks a person.', async () => {
  const clock = createVirtualClock()
  await using troupe = await createTroupe({ storage: 'memory:', clock, log: 'silent' })
  let attempts = 0
  const agent = defineAgent({
    name: 'Fetcher',
    run: async () => {
      if (++attempts < 4) throw new Error('busy')
      return 'fetched'
    },
  })
  const run = await troupe.user('ada').orchestra.start({
    task: null,
    topology: { agents: [agent], flows: ['Start -> Fetcher', 'Fetcher -> End'] },
    config: executionConfig({ autoRetryOnError: true, errorRoutingEnabled: true }),
  })
  const waiting = run.result()
  while (attempts < 3) await clock.advance('1s')
  const { questions } = await waiting
  expect(questions).toMatchObject([{ kind: 'error' }])
  await run.answer(questions[0]?.id ?? '', 'retry')
  expect(await run.result()).toMatchObject({ status: 'completed', response: 'fetched' })
})
