/** What `run.result()` gives: the core's account of a run, its stored errors become errors again. */
import type { ChildRunResult, Question } from '../../agents/index.ts'
import { type Json, restoreError, type TaintLabel, type TroupeError } from '../../core/index.ts'
import type { EffectClass } from '../../journal/index.ts'
import type { RunAccount } from '../machine/run/run-account.ts'

export interface UncertainEffectOfRun {
  readonly step: string
  /** Which call of the step it is. */
  readonly call: string
  /** The name of its tool, or the one that the code gave it. */
  readonly name: string
  readonly class: EffectClass
  /** What it was given; absent where that is nothing, or more than 16 KiB. */
  readonly input?: Json
  /** The idempotency key that its function was given, under which the service outside may know it. */
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
  /** Why it failed or was stopped; where the run waits for it as `uncertain` or `code.changed`, of what. */
  readonly error?: TroupeError
}
export interface RunQuestion extends Question {
  readonly id: string
  readonly agent: string
}
/** A run that failed has a result too: `status: 'failed'` and the `error`. `run.output()` rejects with that error. */
export interface RunResult<Response = Json> {
  readonly status: 'completed' | 'failed' | 'cancelled' | 'waiting' | 'running'
  readonly reason?: 'question' | 'paused' | 'breakpoint' | 'uncertain' | 'code.changed'
  readonly success: boolean
  /** Of the type that the team's last agent gives, where its definition says so. */
  readonly response?: Response
  readonly questions: readonly RunQuestion[]
  readonly totalSteps: number
  readonly branchResults: readonly BranchResult[]
  readonly usage: { readonly inputTokens: number; readonly outputTokens: number }
  /** US dollars; `unknown` names the models whose price nobody knows. */
  readonly cost: { readonly usd: number; readonly unknown: readonly string[] }
  readonly durationMs: number
  /** The guard that ended it, where one did. */
  readonly guard?: NonNullable<ChildRunResult['guard']>
  /** Why it failed. */
  readonly error?: TroupeError
  /** Effects whose outcome is unknown, as `run.uncertain()` gives them; absent where there is none. */
  readonly uncertain?: readonly UncertainEffectOfRun[]
  /** What the response may be derived from: `untrusted:web`, `sensitive:payroll`; absent where from nothing of the kind. */
  readonly taint?: readonly TaintLabel[]
}

/** @param stored as the core gives it and the row of the run keeps it */
export function revive<Response = Json>(stored: Json): RunResult<Response> {
  const result = stored as RunAccount
  const error = (holder: Pick<RunAccount, 'error'>) => (holder.error ? { error: restoreError(holder.error) } : {})
  const branchResults = result.branchResults.map((branch) => ({ ...branch, ...error(branch) }) as BranchResult)
  return { ...result, branchResults, ...error(result) } as RunResult as RunResult<Response>
}
