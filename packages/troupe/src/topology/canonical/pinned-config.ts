/**
 * The configuration of a run besides its topology: read once, checked, and pinned with all durations in milliseconds.
 */
import type { Json } from '../../core/index.ts'
import type { PolicyRule } from '../../security/index.ts'
import type { FailurePolicy, Join } from './canonical-topology.ts'

/** The budgets of a run and its child runs; `time` in milliseconds, `cost` in US dollars. */
export type Budgets = {
  readonly steps: number
  readonly depth: number
  readonly hops: number
  /** The maximum number of open branches at a time. */
  readonly branches: number
  readonly tokens?: number
  readonly cost?: number
  readonly time: number
}

/** In milliseconds; absent for none. The step enforces `tool` and `model`, the core all others. */
export type Timeouts = {
  readonly run?: number
  readonly branch?: number
  readonly step?: number
  readonly tool?: number
  readonly model?: number
  readonly acquisition?: number
  readonly human?: number
  /** The time that a cancelled step may occupy its run if its code ignores its signal; 10 s by default. */
  readonly grace?: number
}

export type RetryRule = {
  /** The total number of attempts, including the first. */
  readonly attempts: number
  /**
   * In milliseconds before the second attempt. Doubles with each attempt up to 60 s, and is reduced by jitter of up to
   * one half.
   */
  readonly backoff: number
}

/**
 * The handling of a failed step. `retry` is applied first, then the substitute `agent`, then a question to a person or
 * the `value`. The step fails if no part is given.
 */
export type ErrorRule = {
  readonly retry?: RetryRule
  readonly agent?: string
  readonly value?: Json
  readonly ask?: true
}

export type Guards = {
  /** Enforced by the step, which counts its own tool calls. */
  readonly repetition: { readonly nudge: number; readonly stop: number } | false
  readonly pingPong: { readonly hops: number } | false
  readonly noProgress: { readonly steps: number } | false
}

/** An event at which the run is paused for inspection. */
export type BreakOn =
  | { readonly on: 'error' }
  | { readonly on: 'agent'; readonly agent: string }
  | { readonly on: 'tool'; readonly tool: string }
  | { readonly on: 'seq'; readonly seq: number }

/** Policy rules from one source; the rules of each source further restrict the others. */
export type PinnedPolicy = { readonly of: string; readonly rules: readonly Pick<PolicyRule, keyof PolicyRule>[] }

export type PinnedConfig = {
  readonly budget: Budgets
  readonly timeouts: Timeouts
  readonly join: Join
  /** How long a join waits for missing branches, in milliseconds. */
  readonly deadline?: number
  readonly onFailure: FailurePolicy
  /** By error code, class name, or `*`. */
  readonly onError: { readonly [kind: string]: ErrorRule }
  readonly retry?: RetryRule
  readonly guards: Guards
  /** 1 if `allowParallel` is false. */
  readonly maxParallelBranches: number
  readonly verbosity: 'quiet' | 'normal' | 'verbose'
  readonly showAgentThoughts: boolean
  readonly showToolCalls: boolean
  readonly trace: boolean
  readonly debug?: { readonly breakOn: readonly BreakOn[] }
  /** The policies of the team, the caller and the parent runs. */
  readonly policies?: readonly PinnedPolicy[]
}
