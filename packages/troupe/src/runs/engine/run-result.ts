/** The result of a run as `run.result()` returns it. Stored errors become error objects again. */
import type { ChildRunResult, Question } from '../../agents/index.ts'
import { type Json, restoreError, type TaintLabel, type TroupeError } from '../../core/index.ts'
import type { EffectClass } from '../../journal/index.ts'
import type { RunAccount } from '../machine/run/run-account.ts'

export interface UncertainEffectOfRun {
  readonly step: string
  /** The id of the call within its step. */
  readonly call: string
  /** The name of its tool, or the name that the code gave it. */
  readonly name: string
  readonly class: EffectClass
  /** Its input; absent if it has none, or if it is larger than 16 KiB. */
  readonly input?: Json
  /** The idempotency key that its function got. The external service may know the effect by it. */
  readonly key?: string
  /** ISO text. */
  readonly since: string
}

export interface BranchResult {
  readonly id: string
  readonly agent: string
  readonly status: string
  readonly success: boolean
  readonly value?: Json
  /** Why the branch failed or was stopped; if the run waits as `uncertain` or `code.changed`, the reason. */
  readonly error?: TroupeError
}
export interface RunQuestion extends Question {
  readonly id: string
  readonly agent: string
}
/** The result of a run. A failed run has `status: 'failed'` and the `error`, with which `run.output()` rejects. */
export interface RunResult<Response = Json> {
  readonly status: 'completed' | 'failed' | 'cancelled' | 'waiting' | 'running'
  readonly reason?: 'question' | 'paused' | 'breakpoint' | 'uncertain' | 'code.changed'
  readonly success: boolean
  /** The response, with the type that the definition of the team's last agent declares. */
  readonly response?: Response
  readonly questions: readonly RunQuestion[]
  readonly totalSteps: number
  readonly branchResults: readonly BranchResult[]
  readonly usage: { readonly inputTokens: number; readonly outputTokens: number }
  /** In US dollars; `unknown` names the models without a known price. */
  readonly cost: { readonly usd: number; readonly unknown: readonly string[] }
  readonly durationMs: number
  /** The guard that ended the run, if any. */
  readonly guard?: NonNullable<ChildRunResult['guard']>
  /** Why it failed. */
  readonly error?: TroupeError
  /** Effects whose outcome is unknown, as in `run.uncertain()`; absent if there are none. */
  readonly uncertain?: readonly UncertainEffectOfRun[]
  /** The taint labels of the response, such as `untrusted:web` or `sensitive:payroll`; absent if there are none. */
  readonly taint?: readonly TaintLabel[]
}

/** @param stored the stored form of the result, as the row of the run holds it */
export function revive<Response = Json>(stored: Json): RunResult<Response> {
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
  return { ...result, branchResults, ...error(result) } as RunResult as RunResult<Response>
}
