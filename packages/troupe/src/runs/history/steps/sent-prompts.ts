/**
 * What the model calls of a step were sent. The record has hashes of prompts alone: the step's code is entered once more and
 * answered from its record, which rejects code that would ask for anything else.
 */
import type { Json, UserId } from '../../../core/index.ts'
import { StepLauncher } from '../../engine/execution/steps/step-launcher.ts'
import type { ForkSource } from '../../engine/forks/fork-run.ts'
import type { OrchestraParts } from '../../engine/orchestra-parts.ts'
import { stepJournal } from '../../engine/store/run-journals.ts'
import { PastRun } from '../past-run.ts'
import { executedSteps } from './executed-steps.ts'
import { modelCallOf } from './recorded-call.ts'

export interface SentPrompt {
  /** Which call of the step it is, as `run.calls` names it. */
  readonly call: string
  /** Its turn, or `summary` or `facts`. */
  readonly name: string
  /** The chain of models that could answer. */
  readonly models: readonly string[]
  /** Messages as the provider interface has them, the system text first. */
  readonly prompt: readonly Json[]
  /** Names, descriptions and schemas of the tools that were offered. */
  readonly tools: readonly Json[]
  /** The form that a structured answer was asked for in. */
  readonly responseFormat?: Json
  readonly settings: Readonly<Record<string, Json>>
}

/**
 * Those of agents that are tools of the step's agent are left out; empty for a step that asked no model.
 * @throws ConflictError `code.changed`
 */
export async function sentPrompts(
  parts: OrchestraParts,
  user: UserId,
  { run, pinned, agents, records }: ForkSource,
  step: string,
): Promise<readonly SentPrompt[]> {
  const names = new Map(
    (await parts.steps.effects(user, stepJournal(run, step))).flatMap(({ call, name }) => {
      const turn = modelCallOf(name)
      return turn === undefined ? [] : [[call, turn] as const]
    }),
  )
  // The code of an agent that asked no model is not entered.
  const command = executedSteps(PastRun.of(run, records)).started.get(step)
  if (names.size === 0 || !command) return []
  const requests = await new StepLauncher(parts, user, run, pinned, agents).requests(command)
  return [...requests].flatMap(([call, request]) => {
    const name = names.get(call)
    return name === undefined ? [] : [{ call, name, ...(request as unknown as Omit<SentPrompt, 'call' | 'name'>) }]
  })
}
