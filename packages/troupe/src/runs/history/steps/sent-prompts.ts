/**
 * The prompts that the model calls of a step sent. The record has only the hashes of prompts, so the code of the step is
 * executed on its record, which rejects code that sends other prompts.
 */
import type { Json, UserId } from '../../../core/index.ts'
import { stepJournal } from '../../../journal/index.ts'
import { StepCode } from '../../engine/execution/steps/step-code.ts'
import type { ForkSource } from '../../engine/forks/fork-run.ts'
import type { OrchestraParts } from '../../engine/orchestra-parts.ts'
import { PastRun } from '../past-run.ts'
import { executedSteps } from './executed-steps.ts'
import { modelCallOf } from './recorded-call.ts'

/** The prompt of a model call. */
export interface SentPrompt {
  /** The id of the call, as `run.calls` returns it. */
  readonly call: string
  /** The turn, or `summary` or `facts`. */
  readonly name: string
  /** The model and its fallbacks. */
  readonly models: readonly string[]
  /** The messages in the form of the provider interface, the system text first. */
  readonly prompt: readonly Json[]
  /** The names, descriptions and schemas of the offered tools. */
  readonly tools: readonly Json[]
  /** The requested form of a structured answer. */
  readonly responseFormat?: Json
  /** The settings of the call, such as the temperature. */
  readonly settings: Readonly<Record<string, Json>>
}

/**
 * Returns the prompts without those of agents that are tools of the step's agent; empty for a step without model calls.
 * @throws ConflictError `code.changed`
 */
export async function sentPrompts(
  parts: OrchestraParts,
  user: UserId,
  { run, pinned, agents, records }: ForkSource,
  step: string,
): Promise<readonly SentPrompt[]> {
  const names = new Map(
    (await parts.journal.steps.effects(user, stepJournal(run, step))).flatMap(({ call, name }) => {
      const turn = modelCallOf(name)
      return turn === undefined ? [] : [[call, turn] as const]
    }),
  )
  // The code of an agent without model calls is not executed.
  const command = executedSteps(PastRun.of(run, records)).started.get(step)
  if (names.size === 0 || !command) return []
  const requests = await new StepCode(parts, { user, run, pinned, agents }).requests(command)
  return [...requests].flatMap(([call, request]) => {
    const name = names.get(call)
    return name === undefined ? [] : [{ call, name, ...(request as unknown as Omit<SentPrompt, 'call' | 'name'>) }]
  })
}
