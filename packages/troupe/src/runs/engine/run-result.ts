/** The result of a run as `run.result()` returns it. Stored errors become error objects again. */
import type { ChildRunResult, Question, UncertainEffectOfSession } from '../../agents/index.ts'
import { type Json, restoreError, type TaintLabel, type TroupeError } from '../../core/index.ts'
import type { RunAccount } from '../machine/run/run-account.ts'

/** An effect of a run whose outcome is unknown, with the members that an effect of a session has. */
export interface UncertainEffectOfRun extends UncertainEffectOfSession {}

/** The result of one branch of a run. */
export interface BranchResult {
  /** The id of the branch. */
  readonly id: string
  /** The name of the agent with which the branch started. */
  readonly agent: string
  /** The status: `running`, `waiting`, `completed`, `failed` or `cancelled`. */
  readonly status: string
  /** True if the branch has completed. */
  readonly success: boolean
  /** The value with which the branch completed; absent otherwise. */
  readonly value?: Json
  /** Why the branch failed or was stopped; if the run waits as `uncertain` or `code.changed`, the reason. */
  readonly error?: TroupeError
}
/** A question that a run asks a person. */
export interface RunQuestion extends Question {
  /** The id for `run.answer`; `CHILD::ID` for a question of a child run. */
  readonly id: string
  /** The name of the agent that asks. */
  readonly agent: string
}
/** The result of a run. A failed run has `status: 'failed'` and the `error`, with which `run.output()` rejects. */
export interface RunResult<Response = Json> extends Pick<ChildRunResult, 'usage' | 'cost' | 'guard'> {
  /** The id of the run, which `orchestra.get` and `orchestra.why` take. */
  readonly runId: string
  /** The status of the run. */
  readonly status: 'completed' | 'failed' | 'cancelled' | 'waiting' | 'running'
  /** Why the run waits; absent otherwise. */
  readonly reason?: 'question' | 'paused' | 'breakpoint' | 'uncertain' | 'code.changed'
  /** True if the status is `completed`. */
  readonly success: boolean
  /** The response, with the type that the definition of the team's last agent declares. */
  readonly response?: Response
  /** The open questions, in the order in which they were asked. */
  readonly questions: readonly RunQuestion[]
  /** The number of started steps, those of child runs that have ended included. */
  readonly totalSteps: number
  /** The results of all branches, in the order of their start. */
  readonly branchResults: readonly BranchResult[]
  /** The time in ms from the start to the end; of a run that waits, to the beginning of the wait. */
  readonly durationMs: number
  /** The error with which the run failed; absent if it did not fail. */
  readonly error?: TroupeError
  /** Effects whose outcome is unknown, as in `run.uncertain()`; absent if there are none. */
  readonly uncertain?: readonly UncertainEffectOfRun[]
  /** The taint labels of the response, such as `untrusted:web` or `sensitive:payroll`; absent if there are none. */
  readonly taint?: readonly TaintLabel[]
}

/** @param stored the stored form of the result, as the row of the run holds it */
export function revive<Response = Json>(runId: string, stored: Json): RunResult<Response> {
  const result = stored as RunAccount
  // A guard ends thousands of branches with one error.
  const restored = new Map<string, TroupeError>()
  const error = ({ error: storedError }: Pick<RunAccount, 'error'>) => {
    if (!storedError) return {}
    const text = JSON.stringify(storedError)
    const known = restored.get(text) ?? restoreError(storedError)
    restored.set(text, known)
    return { error: known }
  }
  const branchResults = result.branchResults.map((branch) => ({ ...branch, ...error(branch) }) as BranchResult)
  return { runId, ...result, branchResults, ...error(result) } as RunResult as RunResult<Response>
}
